"""What can be set when a Hub is made."""

from __future__ import annotations

from typing import TypedDict


class Switches(TypedDict, total=False):
    """`xet` lets large files go by Xet, else they go by LFS; `part_bytes` has LFS uploads that are
    longer sent in parts; `redirects` has large files downloaded from another host name;
    `page_size` is how many commits or entries of a tree one answer lists.
    """

    xet: bool
    part_bytes: int
    redirects: bool
    page_size: int
