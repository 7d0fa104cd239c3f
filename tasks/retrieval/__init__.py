"""Tasks that write texts for training embedding models."""
