"""Tests of the steps in tasks/generation."""
