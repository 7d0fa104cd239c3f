"""A library of functions: Python files that are read and parsed here, and run in a sandbox only."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from types import CodeType

from llms.digest import digest
from llms.errors import ConfigurationError

Definition = ast.FunctionDef | ast.AsyncFunctionDef


class CallFailed(Exception):
    """A call that cannot be made, or went wrong; its text says why."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that a file of a library defines at its top level."""

    name: str
    file: str
    definition: Definition


class Library:
    """The functions of a `.py` file, or of a folder of them, as they were when it was read.

    In a folder, a function is looked for in the file of its own name, then in all files; packages
    in it can be imported by the files.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self.sources = sources
        self._trees: dict[str, ast.Module] = {}
        self._codes: dict[str, CodeType] = {}
        for file, source in sources.items():
            try:
                self._trees[file] = ast.parse(source, file)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise ConfigurationError(f"{file!r} is no valid Python: {error}.") from error

    @classmethod
    def at(cls, path: Path) -> Library:
        """Read a library.

        Raises:
            ConfigurationError: there is none, a file is no Python, or it defines no function.
        """
        sources: dict[str, str] = {}
        try:
            if path.is_dir():
                sources.update(_sources_in(path, ""))
            elif path.suffix == ".py":
                sources[path.name] = path.read_text(encoding="utf-8")
            else:
                raise ConfigurationError(f"{str(path)!r} is neither a .py file nor a folder.")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"{str(path)!r} cannot be read: {error}.") from error
        library = cls(sources)
        if not library.files:
            raise ConfigurationError(f"{str(path)!r} defines no functions; name the right path.")
        return library

    @property
    def digest(self) -> str:
        """Digest of what the files say."""
        return digest(dict(self.sources))

    @cached_property
    def files(self) -> list[str]:
        """The files that define functions to call."""
        return sorted({function.file for found in self._functions.values() for function in found})

    @cached_property
    def _functions(self) -> dict[str, list[Function]]:
        functions: dict[str, list[Function]] = {}
        for file, tree in self._trees.items():
            if "/" not in file:
                for name, definition in definitions_in(tree).items():
                    functions.setdefault(name, []).append(Function(name, file, definition))
        return functions

    def function(self, name: str) -> Function:
        """Return a function.

        Raises:
            CallFailed: there is none of that name, or several.
        """
        found = self._functions.get(name, [])
        named_after_it = [function for function in found if function.file == f"{name}.py"]
        found = named_after_it or found
        if not found:
            raise CallFailed(f"the library has no function {name!r:.100}")
        if len(found) > 1:
            files = ", ".join(sorted(function.file for function in found))
            raise CallFailed(f"the library has several functions {name!r}, in {files}")
        return found[0]

    def tree(self, file: str) -> ast.Module:
        """Return what a file says."""
        return self._trees[file]

    def code(self, file: str) -> CodeType:
        """Return a file compiled."""
        if file not in self._codes:
            self._codes[file] = compile(self._trees[file], file, "exec", dont_inherit=True)
        return self._codes[file]

    def write(self, folder: Path) -> None:
        """Write a copy of all files into a folder."""
        for file, source in self.sources.items():
            path = folder / PurePosixPath(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")


def definitions_in(tree: ast.Module) -> dict[str, Definition]:
    """Return the functions that a module defines at its top level; the last of a name counts."""
    return {node.name: node for node in top_level(tree) if isinstance(node, Definition)}


def top_level(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the statements of a module, those under `if`, `try` and `with` too."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.ExceptHandler)):
            yield from top_level(node)


def _sources_in(folder: Path, inside: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix == ".py":
            yield inside + path.name, path.read_text(encoding="utf-8")
        elif (path / "__init__.py").is_file():
            yield from _sources_in(path, f"{inside}{path.name}/")
