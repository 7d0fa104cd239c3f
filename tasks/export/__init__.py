"""Steps that send the rows somewhere and pass them on."""
