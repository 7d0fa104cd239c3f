"""Tests of the reports on a run."""
