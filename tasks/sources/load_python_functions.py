"""`LoadPythonFunctions`: real functions, by default those that every Python brings along."""

from __future__ import annotations

import ast
import sysconfig
from collections.abc import Iterator
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from pydantic import Field

from llms.errors import ConfigurationError
from tasks.step import GeneratorStep

_LEFT_OUT = {"antigravity.py", "this.py"}


class LoadPythonFunctions(GeneratorStep):
    """Loads public functions with a docstring from Python files; needs no network.

    Columns out: `module` (str), `func_name` (str), `func_desc` (str, the signature and the
    docstring), `code_snippet` (str, the source). `path` is a Python file or a folder of them;
    left out, the standard library. `modules` keeps only files of these names. Functions have from
    `min_lines` to `max_lines` lines. The first rows are the first functions of all modules, then
    come the second ones; a row is known by its content.

    Raises:
        ConfigurationError: there is no such path, or no function in it.

    Example:
        >>> from tasks import LoadPythonFunctions
        >>> step = LoadPythonFunctions(modules=("bisect",), num_examples=2)
        >>> rows, is_last = next(step.process())
        >>> [row["func_name"] for row in rows]
        ['insort_right', 'bisect_right']
    """

    version: ClassVar = 1

    path: str | None = None
    modules: tuple[str, ...] | None = None
    num_examples: int | None = Field(default=None, ge=1)
    min_lines: int = Field(default=5, ge=1)
    max_lines: int = Field(default=60, ge=1)

    @property
    def content(self) -> dict[str, Any]:
        """What decides the rows: the text of the files is in the rows themselves."""
        return {name: value for name, value in super().content.items() if name != "path"}

    @property
    def outputs(self) -> dict[str, pl.DataType]:
        columns = ("module", "func_name", "func_desc", "code_snippet")
        return dict.fromkeys(columns, pl.String())

    def frames(self) -> Iterator[pl.DataFrame]:
        by_module = [list(self._functions(file)) for file in self._files()]
        rows = [row for row in chain.from_iterable(zip_longest(*by_module)) if row is not None]
        if not rows:
            raise ConfigurationError(
                f"Step {self.name!r} found no function with a docstring and {self.min_lines} to "
                f"{self.max_lines} lines; name another path or other modules."
            )
        yield pl.DataFrame(rows[: self.num_examples], schema=self.outputs)

    def _files(self) -> list[Path]:
        place = Path(self.path or sysconfig.get_path("stdlib"))
        if not place.exists():
            raise ConfigurationError(
                f"Step {self.name!r}: there is no file or folder {self.path!r}."
            )
        pattern = "*.py" if self.path is None else "**/*.py"
        files = [place] if place.is_file() else sorted(place.glob(pattern))
        return [
            file
            for file in files
            if file.name not in _LEFT_OUT
            and not file.stem.startswith("_")
            and (self.modules is None or file.stem in self.modules)
        ]

    def _functions(self, file: Path) -> Iterator[dict[str, str]]:
        try:
            text = file.read_text(encoding="utf-8")
            tree, lines = ast.parse(text), text.split("\n")
        except (OSError, SyntaxError, ValueError):
            return
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef) or node.name.startswith("_"):
                continue
            description = ast.get_docstring(node)
            source = lines[node.lineno - 1 : node.end_lineno]
            if description and self.min_lines <= len(source) <= self.max_lines:
                signature = f"{node.name}({ast.unparse(node.args)})"
                yield {
                    "module": file.stem,
                    "func_name": node.name,
                    "func_desc": f"{signature}\n\n{description}",
                    "code_snippet": "\n".join(source),
                }
