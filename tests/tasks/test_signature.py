"""Signatures: the digest of what a step does, and of nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module, invalidate_caches
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import PrivateAttr, SecretStr

from llms import MistralLLM, ScriptedLLM
from llms.errors import ConfigurationError
from tasks import Row, Step
from tests.tasks.conftest import Answer, Rows

SignatureOf = Callable[..., str]
"""Writes modules into a fresh folder and returns the signature of `own_step.Own`."""

OWN_STEP = '''
"""Steps of mine."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, ClassVar

from tasks import Prompt, Step

import own_words
from own_words import SUFFIX, shorten

GREETING = "hello "
STOPWORDS = {"the", "a"}
PLURAL = re.compile("s$")
LIMIT = 10
LEVELS = {1: "low", 2: "high"}


def polite(text):
    return GREETING + stripped(text)


def stripped(text):
    return text.strip()


@lru_cache
def slow(text):
    return text * 2


def unrelated(text):
    # A remark.
    return text.upper()


class Counter:
    def of(self, text):
        return len(text)


class Mixin:
    def added(self):
        return "+"


class Base(Step):
    def tail(self):
        return "."


class Own(Base, Mixin):
    """My step."""

    inputs: ClassVar = ("text",)
    outputs: ClassVar = ("text",)
    limit: ClassVar = LIMIT

    ending: str = "!"
    _system_prompt: str = "be brief"

    def process(self, inputs):
        for row in inputs:
            words = [word for word in row["text"].split() if word not in STOPWORDS]
            text = PLURAL.sub("", polite(" ".join(words))) + LEVELS[1]
            text = shorten(text) + own_words.lengthen(text) + SUFFIX + slow(text)
            row["text"] = f"{text}{Counter().of(text)}{self.added()}{self.tail()}"
        yield inputs
'''

OWN_WORDS = """
SUFFIX = "..."
FILLER = "um"


def shorten(text):
    return cut(text)


def cut(text):
    return text[:80]


def lengthen(text):
    return text + FILLER


def forgotten(text):
    return text
"""

PINNED = OWN_STEP.replace(
    '''    """My step."""
''',
    '''    """My step."""

    version: ClassVar = 1
''',
)

FACTORY = """
from tasks import step


def made_with(prefix):
    @step(inputs=["text"], outputs=["text"])
    def own(rows):
        for row in rows:
            row["text"] = prefix + row["text"]
        yield rows

    return own


Own = made_with("a")
"""

FUNCTION = """
from tasks import step

MARK = "a"


def mark(text):
    return MARK + text


@step(inputs=["text"], outputs=["text"])
def Own(rows, times: int = 1):
    for row in rows:
        row["text"] = mark(row["text"]) * times
    yield rows
"""

ASKING = '''
from typing import ClassVar

from tasks import Prompt, Task


class Own(Task):
    """Asks."""

    version: ClassVar = 1
    template: ClassVar = Prompt("ask.jinja2")

    def format_input(self, input):
        return [{"role": "user", "content": self.template.render(**input)}]

    def format_output(self, output, input):
        return {}
'''


@pytest.fixture
def signature_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SignatureOf:
    """Write modules and import them as a new process would."""
    numbers = count()

    def signature(own_step: str, own_words: str = OWN_WORDS, prompt: str = "", **own: Any) -> str:
        folder = tmp_path / f"version-{next(numbers)}"
        folder.mkdir()
        (folder / "own_step.py").write_text(own_step)
        (folder / "own_words.py").write_text(own_words)
        (folder / "ask.jinja2").write_text(prompt)
        with monkeypatch.context() as patch:
            patch.setattr(sys, "path", [str(folder), *sys.path])
            for name in ("own_step", "own_words"):
                patch.delitem(sys.modules, name, raising=False)
            invalidate_caches()
            step: Step = import_module("own_step").Own(**own)
            made = step.signature
            for name in ("own_step", "own_words"):
                sys.modules.pop(name, None)
        return made

    return signature


def edited(source: str, old: str, new: str) -> str:
    """Return source with one place changed."""
    assert source.count(old) == 1, old
    return source.replace(old, new)


def answering(**parameters: Any) -> Answer:
    return Answer(**{"name": "ask", "llm": ScriptedLLM(), **parameters})


# Parameters.


@pytest.mark.parametrize(
    "changes",
    [
        {"input_batch_size": 1},
        {"use_cache": False},
        {"llm": ScriptedLLM(timeout=3)},
        {"llm": ScriptedLLM(max_concurrent_requests=1)},
        {"llm": ScriptedLLM(delay=0.5)},
        {"llm": {"provider": "scripted"}},
        {"num_generations": 1},
    ],
    ids=[
        "batch size",
        "cache",
        "time-out",
        "concurrency",
        "delay",
        "a model named in another way",
        "a default spelled out",
    ],
)
def test_how_a_step_works_is_not_in_its_signature(changes: dict[str, Any]) -> None:
    assert answering(**changes).signature == answering().signature


def test_a_parameter_that_a_later_release_adds_changes_nothing_until_it_is_set(
    signature_of: SignatureOf,
) -> None:
    later = edited(PINNED, 'ending: str = "!"', 'ending: str = "!"\n    note: str | None = None')

    assert signature_of(later) == signature_of(PINNED)
    assert signature_of(later, note="set") != signature_of(PINNED)


def test_the_key_is_not_in_the_signature() -> None:
    signatures = {
        answering(llm=MistralLLM.model_validate({"model": "m", **how})).signature
        for how in (
            {},
            {"api_key": SecretStr("sk-one")},
            {"api_key": SecretStr("sk-two")},
            {"api_key_block": "team"},
        )
    }

    assert len(signatures) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"num_generations": 2},
        {"group_generations": True},
        {"add_raw_output": False},
        {"input_mappings": {"instruction": "question"}},
        {"output_mappings": {"generation": "answer"}},
        {"name": "another"},
        {"llm": ScriptedLLM(model="other")},
        {"llm": ScriptedLLM(replies=("x",))},
        {"llm": ScriptedLLM.model_validate({"generation_kwargs": {"temperature": 0.1}})},
        {"llm": ScriptedLLM.model_validate({"generation_kwargs": {"max_new_tokens": 1}})},
        {"llm": MistralLLM(model="scripted")},
    ],
    ids=[
        "generations",
        "grouping",
        "raw output",
        "input mapping",
        "output mapping",
        "the name that is in its columns",
        "model",
        "a parameter of the model",
        "temperature",
        "length",
        "provider",
    ],
)
def test_what_a_step_makes_is_in_its_signature(changes: dict[str, Any]) -> None:
    assert answering(**changes).signature != answering().signature


def test_the_data_of_a_source_is_in_its_signature() -> None:
    one, other = Rows(data=[{"a": 1}]), Rows(data=[{"a": 2}])

    assert one.signature == Rows(data=[{"a": 1}], batch_size=7).signature
    assert one.signature != other.signature
    assert one.signature != Rows(data=[{"a": 1}], key_columns=("a",)).signature


def test_two_steps_that_only_look_alike_have_signatures_of_their_own() -> None:
    class Other(Answer):
        pass

    assert Other(name="ask", llm=ScriptedLLM()).signature != answering().signature


def test_a_copy_with_another_parameter_has_a_signature_of_its_own() -> None:
    step = answering()
    assert step.signature

    assert step.model_copy(update={"num_generations": 2}).signature != step.signature
    assert step.model_copy().signature == step.signature


# Code.


def test_the_same_code_in_another_folder_is_the_same_step(signature_of: SignatureOf) -> None:
    assert signature_of(OWN_STEP) == signature_of(OWN_STEP)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("text = PLURAL", "text = '' + PLURAL", id="a method"),
        pytest.param('return "."', 'return ";"', id="a method of its base"),
        pytest.param('return "+"', 'return "-"', id="a method of a mixin"),
        pytest.param('ending: str = "!"', 'ending: str = "?"', id="a default"),
        pytest.param('"be brief"', '"be polite"', id="a private attribute"),
        pytest.param("LIMIT = 10", "LIMIT = 20", id="a constant behind a class attribute"),
        pytest.param('"hello "', '"dear "', id="a constant that a helper uses"),
        pytest.param('{"the", "a"}', '{"the", "an"}', id="a set"),
        pytest.param('re.compile("s$")', 're.compile("es$")', id="a pattern"),
        pytest.param('re.compile("s$")', 're.compile("s$", re.I)', id="the flags of a pattern"),
        pytest.param('{1: "low"', '{1: "lower"', id="a dict with numbers as keys"),
        pytest.param("return GREETING +", "return '' + GREETING +", id="a helper"),
        pytest.param("text.strip()", "text.rstrip()", id="a helper of a helper"),
        pytest.param("return text * 2", "return text * 3", id="a decorated helper"),
        pytest.param("return len(text)", "return len(text) + 1", id="a helper class"),
    ],
)
def test_changed_code_is_another_step(signature_of: SignatureOf, old: str, new: str) -> None:
    assert signature_of(OWN_STEP) != signature_of(edited(OWN_STEP, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("return cut(text)", "return cut(text) + ''", id="an imported function"),
        pytest.param("text[:80]", "text[:60]", id="a helper of an imported function"),
        pytest.param('SUFFIX = "..."', 'SUFFIX = "?"', id="an imported constant"),
        pytest.param("text + FILLER", "FILLER + text", id="a function of an imported module"),
        pytest.param('FILLER = "um"', 'FILLER = "er"', id="a constant of that function"),
    ],
)
def test_changed_code_in_another_module_of_mine_is_another_step(
    signature_of: SignatureOf, old: str, new: str
) -> None:
    assert signature_of(OWN_STEP) != signature_of(OWN_STEP, edited(OWN_WORDS, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("# A remark.", "# Another remark.", id="a comment elsewhere"),
        pytest.param("text.upper()", "text.lower()", id="an unrelated function"),
        pytest.param('"""Steps of mine."""', '"""My steps."""', id="the module's docstring"),
        pytest.param("LIMIT = 10", "LIMIT = 10\nOTHER = 3", id="an unrelated constant"),
    ],
)
def test_unrelated_code_is_not_part_of_a_step(
    signature_of: SignatureOf, old: str, new: str
) -> None:
    assert signature_of(OWN_STEP) == signature_of(edited(OWN_STEP, old, new))


def test_unrelated_code_in_another_module_is_not_part_of_a_step(
    signature_of: SignatureOf,
) -> None:
    words = OWN_WORDS + "\n\ndef forgotten_too(text):\n    return text\n"

    assert signature_of(OWN_STEP) == signature_of(OWN_STEP, words)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param('row["text"] = mark', 'row["text"] = "" + mark', id="body"),
        pytest.param("return MARK +", "return 2 * MARK +", id="helper"),
        pytest.param('MARK = "a"', 'MARK = "b"', id="constant"),
        pytest.param("times: int = 1", "times: int = 2", id="default"),
    ],
)
def test_a_changed_function_is_another_step(signature_of: SignatureOf, old: str, new: str) -> None:
    assert signature_of(FUNCTION) == signature_of(FUNCTION)
    assert signature_of(FUNCTION) != signature_of(edited(FUNCTION, old, new))


def test_the_parameters_of_a_function_are_in_its_signature(signature_of: SignatureOf) -> None:
    assert signature_of(FUNCTION, times=3) != signature_of(FUNCTION)
    assert signature_of(FUNCTION, times=1) == signature_of(FUNCTION)


def test_what_a_function_remembers_from_around_it_is_in_its_signature(
    signature_of: SignatureOf,
) -> None:
    assert signature_of(FACTORY) == signature_of(FACTORY)
    assert signature_of(FACTORY) != signature_of(
        edited(FACTORY, 'made_with("a")', 'made_with("b")')
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("text = PLURAL", "text = '' + PLURAL", id="a method"),
        pytest.param("return GREETING +", "return '' + GREETING +", id="a helper"),
        pytest.param('"hello "', '"dear "', id="a constant"),
    ],
)
def test_a_version_stands_for_the_code(signature_of: SignatureOf, old: str, new: str) -> None:
    assert signature_of(PINNED) == signature_of(edited(PINNED, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("version: ClassVar = 1", "version: ClassVar = 2", id="version"),
        pytest.param('"be brief"', '"be polite"', id="private attribute"),
        pytest.param('ending: str = "!"', 'ending: str = "?"', id="parameter"),
        pytest.param('return "."', 'return ";"', id="a base without a version"),
    ],
)
def test_a_version_does_not_stand_for_the_rest(
    signature_of: SignatureOf, old: str, new: str
) -> None:
    assert signature_of(PINNED) != signature_of(edited(PINNED, old, new))


def test_the_text_of_a_prompt_is_in_the_signature(signature_of: SignatureOf) -> None:
    llm = ScriptedLLM()

    first = signature_of(ASKING, prompt="Ask {{ question }}", llm=llm)

    assert first == signature_of(ASKING, prompt="Ask {{ question }}", llm=llm)
    assert first != signature_of(ASKING, prompt="Ask: {{ question }}", llm=llm)


def test_what_a_step_has_loaded_is_not_in_its_signature() -> None:
    class Loading(Step):
        _vocabulary: Any = None
        _seen: list[str] = PrivateAttr(default_factory=list)

        def load(self) -> None:
            self._vocabulary = {"word": 1}

        def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
            self._seen.append("batch")
            yield inputs

    fresh, used = Loading(), Loading()
    used.load()
    next(used.process([{"a": 1}]))

    assert used.signature == fresh.signature


def test_code_that_cannot_be_read_needs_a_version() -> None:
    namespace: dict[str, Any] = {"Step": Step, "ClassVar": ClassVar, "__name__": "typed_by_hand"}
    typed = "class Typed(Step): pass\nclass Pinned(Step):\n    version: ClassVar = 1\n"
    exec(compile(typed, "<typed by hand>", "exec", dont_inherit=True), namespace)

    with pytest.raises(
        ConfigurationError,
        match=r"^The source of Typed cannot be read, .* give the class a `version: ClassVar = 1`",
    ):
        _ = namespace["Typed"]().signature
    assert namespace["Pinned"]().signature


# In every process the same.

_PROGRAM = """
import json
from tests.tasks.test_signature import described
print(json.dumps(described()))
"""

WORDS = {f"word {number}" for number in range(50)}


class Choosy(Step):
    """Uses sets and dicts wherever a step can."""

    allowed: frozenset[str] = frozenset(WORDS)
    weights: ClassVar = dict.fromkeys(WORDS, 1)
    _forbidden: frozenset[str] = frozenset(f"forbidden {number}" for number in range(50))

    def process(self, inputs: list[Row]) -> Iterator[list[Row]]:
        yield [row for row in inputs if row["text"] in WORDS & self.allowed]


def described() -> list[str]:
    """Return digests that must be equal in every process."""
    from llms.digest import digest
    from tasks import Graph
    from tasks.graph import pipeline_digest
    from tests.tasks.conftest import keyed, keys_of

    with Graph("g") as graph:
        source = Rows(data=[{"b": 1, "a": {"y": [1.5], "x": None}}], name="source")
        source >> Choosy(name="choosy") >> answering(input_mappings={"instruction": "b"})
    return [
        pipeline_digest(graph),
        *(step.signature for step in graph.steps.values()),
        *keys_of(keyed([{"b": 1, "a": {"y": [1.5], "x": None}}] * 2)),
        digest({"words": WORDS, "nested": [WORDS, {"w": WORDS}]}),
    ]


def test_digests_are_the_same_in_every_process(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        for seed in ("0", "1", "4242")
    ]
    printed = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert printed[0] == printed[1] == printed[2] == described()


def test_the_order_of_a_dict_is_not_content() -> None:
    assert (
        answering(input_mappings={"instruction": "q", "x": "y"}).signature
        == answering(input_mappings={"x": "y", "instruction": "q"}).signature
    )
