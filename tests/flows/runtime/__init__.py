"""What runs have in common, with and without Prefect."""
