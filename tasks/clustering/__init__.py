"""Vectors of a dataset brought to a plane, and the clusters they form there."""
