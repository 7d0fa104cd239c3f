"""What looks dangerous in a function."""

from __future__ import annotations

import ast

import pytest

from tasks.function_calling.danger import danger_in
from tasks.function_calling.library import definitions_in


def look(source: str) -> str:
    """Say what looks dangerous in the function `f` of a module."""
    module = ast.parse(source)
    return danger_in(definitions_in(module)["f"], module)


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\ndef f(a):\n  return os.system(a)", "os.system (line 3)"),
        ("from os import system as run\ndef f(a):\n  return run(a)", "os.system (line 3)"),
        ("import subprocess as s\ndef f(a): s.run(a)", "subprocess.run (line 2)"),
        ("def f(a):\n  import shutil\n  shutil.rmtree(a)", "shutil.rmtree (line 3)"),
        ("def f(a): return eval(a)", "eval (line 1)"),
        ("def f(a):\n  with open(a) as b: return b.read()", "open (line 2)"),
        ("def g(a): exec(a)\ndef h(a): g(a)\ndef f(a): h(a)", "exec (line 1)"),
        ("import urllib.request\ndef f(a): urllib.request.urlopen(a)", "urllib.request.urlopen"),
        ("import requests\ndef f(a): return requests.get(a).json()", "requests.get"),
        ("import os\ndef f(a): return [os][0]", "os (line 2)"),
        ("import os\n@os.register\ndef f(a): ...", "os.register"),
        ("def f(a): return __import__('os')", "__import__"),
        ("try:\n  import socket\nexcept ImportError: ...\ndef f(): socket.socket()", "socket"),
    ],
    ids=[
        "a module",
        "another name for a function",
        "another name for a module",
        "an import of its own",
        "eval",
        "a file",
        "through functions of its file",
        "a module in a package",
        "a package for the network",
        "a module passed on",
        "a decorator",
        "an import by name",
        "an import under a condition",
    ],
)
def test_what_a_function_reaches_out_with_is_named(source: str, found: str) -> None:
    assert found in look(source)


@pytest.mark.parametrize(
    "source",
    [
        "def f(a):\n  '''Uses import os, eval( and open( not at all.'''\n  return a",
        "def evaluate(a): return a\ndef f(a): return evaluate(a)",
        "def f(input, open): return input + open",
        "def f(a):\n  compile = a\n  return compile",
        "import os\ndef f(a): return os.path.join(a, 'b')",
        "import urllib.parse\ndef f(a): return urllib.parse.quote(a)",
        "from sys import maxsize\ndef f(): return maxsize",
        "import os\ndef g(): os.abort()\ndef f(a): return a",
        "import re\ndef f(a): return re.compile(a)",
        "def g(os): return os\ndef f(a): return g(a)",
        "def f(a): return a.eval()",
        "def f(n): return n and f(n - 1)",
    ],
    ids=[
        "words in a docstring",
        "a name that begins so",
        "parameters",
        "a variable",
        "paths",
        "quoting",
        "a constant",
        "a function beside it",
        "a method of a module",
        "a parameter of another",
        "a method",
        "recursion",
    ],
)
def test_what_only_looks_alike_is_no_danger(source: str) -> None:
    assert look(source) == ""
