"""Steps that keep, merge, group, combine and expand columns."""
