"""Steps that project and cluster vectors."""
