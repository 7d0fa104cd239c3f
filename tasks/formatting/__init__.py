"""Steps that bring rows into the shape that trainers read."""
