"""Tests of the steps about function calls."""
