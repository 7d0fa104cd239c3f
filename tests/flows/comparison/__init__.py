"""Tests of what is said about two versions."""
