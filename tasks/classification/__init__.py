"""Tasks that put labels on texts."""
