"""Solutions of mathematical problems, step by step, and labels for the steps."""
