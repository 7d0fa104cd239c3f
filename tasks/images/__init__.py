"""Images made from texts."""
