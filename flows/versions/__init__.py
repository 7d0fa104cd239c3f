"""Versions of a dataset at rest: their files, their manifest, and where every row comes from."""
