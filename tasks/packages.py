"""Optional packages that a step needs beyond the installation."""

from __future__ import annotations

from llms.errors import MissingPackageError
from llms.providers.packages import is_installed


def check_packages(step: str, extra: str, *packages: str) -> None:
    """Raise `MissingPackageError`, with the command that helps, if a package is missing.

    Packages go by the names they are imported under; `extra` is the extra that brings them.
    """
    for package in packages:
        if not is_installed(package):
            raise MissingPackageError(
                f"{step} needs the package {package}: pip install 'stillhouse[{extra}]'."
            )
