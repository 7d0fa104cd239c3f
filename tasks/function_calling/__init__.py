"""Steps about calls of functions: writing them, running them, judging them."""
