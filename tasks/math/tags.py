"""Tags: how a step of a solution is marked as good or bad."""

from __future__ import annotations

from llms.errors import ConfigurationError, RowRejected

Tags = tuple[str, str]
"""The tag of a good step and that of a bad one."""

TAGS: Tags = ("+", "-")


def check_tags(tags: Tags) -> None:
    """Raise `ConfigurationError` for tags that could not be told apart behind a step."""
    if not all(tag and tag == tag.strip() for tag in tags) or tags[0] == tags[1]:
        raise ConfigurationError(
            f"tags= is {list(tags)!r}; it takes two different texts without space around them, "
            f"first the one for good steps, such as ['+', '-']."
        )


def tagged(step: str, tags: Tags, is_good: bool) -> str:
    """Return a step with its tag."""
    return f"{step} {tags[0] if is_good else tags[1]}"


def untagged(step: str, tags: Tags, what: str) -> tuple[str, bool]:
    """Return a step without its tag, and whether it is good; `what` says which step it is.

    Raises:
        RowRejected: it has no tag.
    """
    text = step.rstrip()
    for tag in sorted(tags, key=len, reverse=True):
        before = text.removesuffix(tag)
        if before != text and before.strip() and before[-1].isspace():
            return before.rstrip(), tag == tags[0]
    raise RowRejected(
        f"{what} does not end in a tag, {' or '.join(map(repr, tags))}: {step[-40:]!r}"
    )
