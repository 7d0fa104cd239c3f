"""Tests of the steps in tasks/feedback."""
