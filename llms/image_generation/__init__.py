"""Models that turn texts into images; one file per provider."""
