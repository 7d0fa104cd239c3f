"""Tests of the tasks in tasks/classification."""
