"""Our catalogue beside distilabel 1.5.3: the same cases, and a reason for every difference."""
