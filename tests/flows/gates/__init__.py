"""What a version must pass before it is published."""
