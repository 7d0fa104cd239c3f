"""Tests of the steps in tasks/formatting."""
