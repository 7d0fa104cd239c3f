"""Tests of the steps in tasks/columns."""
