"""Tests of the steps in tasks/sources."""
