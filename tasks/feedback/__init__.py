"""Tasks that judge text."""
