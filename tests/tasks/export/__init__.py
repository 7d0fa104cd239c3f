"""Steps that send rows to other places, which are on loopback here."""
