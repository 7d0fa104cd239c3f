"""Models that turn texts into images."""
