"""Models that turn texts into vectors; one file per provider."""
