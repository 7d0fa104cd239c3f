"""Steps that start a pipeline: rows from memory, files, the Hub or Python's documentation."""
