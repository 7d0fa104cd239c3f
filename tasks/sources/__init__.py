"""Steps that start a pipeline: rows from memory, disk, files, the Hub or what Python brings."""
