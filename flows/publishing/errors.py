"""What goes wrong on the way out."""

from llms.errors import StillhouseError


class PublishingError(StillhouseError):
    """A finished version could not be written or published; it is still in the workspace."""
