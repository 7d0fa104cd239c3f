"""Optional packages: what a provider needs beyond the installation."""

from __future__ import annotations

from importlib.util import find_spec
from typing import ClassVar

from llms.errors import MissingPackageError
from llms.model import Model


class OptionalPackage(Model):
    """A model whose provider needs packages that come with one of the project's extras."""

    packages: ClassVar[tuple[str, ...]]
    """The packages, by the names they are imported under."""
    extra: ClassVar[str]
    """The extra that brings them."""

    def check(self) -> None:
        self.check_packages()
        super().check()

    @classmethod
    def check_packages(cls) -> None:
        """Raise `MissingPackageError`, with the command that helps, if a package is missing."""
        for package in cls.packages:
            if not is_installed(package):
                raise MissingPackageError(
                    f"{cls.__name__} needs the package {package}: "
                    f"pip install 'stillhouse[{cls.extra}]'."
                )


def is_installed(package: str) -> bool:
    """Tell whether a package can be imported, without importing it."""
    try:
        return find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):  # its parent, or it, is barred
        return False
