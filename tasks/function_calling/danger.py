"""What in a function looks dangerous: a hint for choosing rows, and no protection."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tasks.function_calling.library import Definition, definitions_in, top_level

_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open"}
_MODULES = {
    *("ctypes", "importlib", "marshal", "multiprocessing", "os", "pickle", "pty", "runpy"),
    *("shutil", "signal", "subprocess", "sys", "tempfile", "threading"),
    *("aiohttp", "ftplib", "http", "httpx", "requests", "smtplib", "socket", "ssl", "urllib"),
}
_HARMLESS = (
    *("os.path", "os.sep", "os.linesep", "os.fspath", "os.PathLike"),
    *("sys.float_info", "sys.maxsize", "sys.version", "sys.version_info"),
    *("http.HTTPStatus", "urllib.parse"),
)


def danger_in(function: Definition, module: ast.Module) -> str:
    """Say what a function uses that runs code or reaches files, processes or the network.

    It looks at the names in the function and in those of its own file that it uses. Empty when
    nothing was seen, which proves nothing.
    """
    definitions = definitions_in(module)
    imported = dict(_imports(top_level(module)))
    seen, waiting = {function.name}, [function]
    while waiting:
        current = waiting.pop()
        names = {name: name for name in _BUILTINS} | imported
        names = {name: names[name] for name in names.keys() - _own_names(current)}
        names |= dict(_imports(ast.walk(current)))
        for node, parts in _used(current):
            if parts[0] in names:
                used = ".".join([names[parts[0]], *parts[1:]])
                if _is_dangerous(used):
                    return f"{used} (line {node.lineno})"
            elif parts[0] in definitions and parts[0] not in seen:
                seen.add(parts[0])
                waiting.append(definitions[parts[0]])
    return ""


def _imports(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield the names that imports bind, each with the full name of what it stands for."""
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                yield (alias.asname, alias.name) if alias.asname else (top, top)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _own_names(function: Definition) -> set[str]:
    """Return the names that a function binds itself, so that they stand for nothing global."""
    nodes = list(ast.walk(function))
    assigned = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return assigned | {node.arg for node in nodes if isinstance(node, ast.arg)}


def _used(tree: ast.AST) -> Iterator[tuple[ast.expr, list[str]]]:
    """Yield the names that are read, each with the attributes read of it: `a.b.c`."""
    for node in ast.iter_child_nodes(tree):
        parts: list[str] = []
        inner: ast.AST = node
        while isinstance(inner, ast.Attribute):
            parts.insert(0, inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name) and isinstance(node, ast.expr):
            if isinstance(inner.ctx, ast.Load):
                yield node, [inner.id, *parts]
        else:
            yield from _used(inner)


def _is_dangerous(name: str) -> bool:
    if any(name == harmless or name.startswith(f"{harmless}.") for harmless in _HARMLESS):
        return False
    return name in _BUILTINS or name.partition(".")[0] in _MODULES
