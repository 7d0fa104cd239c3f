"""Measurements too slow for the tests; each prints its figures and fails past its limit."""
