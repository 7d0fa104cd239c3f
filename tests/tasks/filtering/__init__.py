"""Steps that mark, choose and shorten rows."""
