"""Keeping a dataset fresh: plan, run what is needed, check, publish, report."""
