"""Batch jobs of providers: many requests at half the price, answered within a day."""
