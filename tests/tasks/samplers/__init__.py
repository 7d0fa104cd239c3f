"""Tests of the samplers and steps in tasks/samplers."""
