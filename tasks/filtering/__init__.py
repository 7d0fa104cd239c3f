"""Duplicates found, and rows chosen or cut to size."""
