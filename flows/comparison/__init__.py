"""What differs between two versions of a dataset: rows, distributions, cost."""
