"""Steps that make vectors and find their neighbours."""
