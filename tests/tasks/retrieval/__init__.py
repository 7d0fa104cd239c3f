"""Tests of the tasks in tasks/retrieval."""
