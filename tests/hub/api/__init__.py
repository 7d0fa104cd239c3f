"""What the Hub does for its clients; a method's name is the action that `calls` and `fail` know."""
