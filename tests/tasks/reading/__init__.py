"""Tests of tasks/reading."""
