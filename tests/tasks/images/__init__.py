"""Steps that make images."""
