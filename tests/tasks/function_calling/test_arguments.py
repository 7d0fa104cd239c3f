"""Arguments of calls against the signatures of functions."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from tasks.function_calling.arguments import Bound, bound
from tasks.function_calling.calls import Call
from tasks.function_calling.library import CallFailed


def bind(signature: str, **arguments: Any) -> Bound:
    """Bind arguments to a function with a signature."""
    definition = ast.parse(f"def f({signature}): ...").body[0]
    assert isinstance(definition, ast.FunctionDef)
    return bound(Call("f", arguments), definition)


def test_arguments_go_to_parameters_by_name_whatever_their_order() -> None:
    assert bind("a, b", b=2, a=1) == Bound([], {"b": 2, "a": 1})


def test_parameters_that_take_no_name_get_their_arguments_in_the_order_of_the_signature() -> None:
    assert bind("a, b, /, c", c=3, b=2, a=1) == Bound([1, 2], {"c": 3})


def test_defaults_may_be_left_out() -> None:
    assert bind("a, b=2, *, c=3, d", a=1, d=4) == Bound([], {"a": 1, "d": 4})


def test_further_names_go_where_the_signature_takes_any() -> None:
    assert bind("a, **rest", a=1, b="x") == Bound([], {"a": 1, "b": "x"})


@pytest.mark.parametrize(
    ("signature", "arguments", "reason"),
    [
        ("a, b", {"a": 1}, "'f' needs 'b'"),
        ("*, a, b=1", {}, "'f' needs 'a'"),
        ("a", {"a": 1, "c": 2}, "'f' has no parameter 'c'; it takes 'a'"),
        ("", {"c": 2}, "'f' has no parameter 'c'; it takes none"),
        ("*args", {"args": [1]}, "'f' has no parameter 'args'"),
        ("a=1, b=2, /", {"b": 3}, "'f' takes 'a', 'b' in this order only"),
    ],
    ids=["missing", "missing by name", "unknown", "takes none", "a starred one", "a gap"],
)
def test_a_call_that_does_not_fit_the_signature_fails(
    signature: str, arguments: dict[str, Any], reason: str
) -> None:
    with pytest.raises(CallFailed, match=reason):
        bind(signature, **arguments)


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        ("int", "5", 5),
        ("int", " -5 ", -5),
        ("int", "5.0", 5),
        ("float", "2.5", 2.5),
        ("float", "2", 2),
        ("bool", "true", True),
        ("bool", "True", True),
        ("list", "[1, 2]", [1, 2]),
        ("list[str]", "['a', 'b']", ["a", "b"]),
        ("List[int]", "[1]", [1]),
        ("typing.Sequence[int]", "[1]", [1]),
        ("dict", '{"a": 1}', {"a": 1}),
        ("Dict[str, int]", "{'a': 1}", {"a": 1}),
        ("int | None", "null", None),
        ("Optional[int]", "None", None),
        ("Union[int, list]", "[3]", [3]),
        ("'int'", "5", 5),
    ],
)
def test_a_text_is_read_where_another_type_is_wanted(
    annotation: str, text: str, value: object
) -> None:
    found = bind(f"a: {annotation}", a=text).named["a"]

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    "annotation", ["str", "str | int", "Optional[str]", "Any", "Literal['5']", "Path", "int | X"]
)
def test_a_text_stays_where_a_text_may_be_meant(annotation: str) -> None:
    assert bind(f"a: {annotation}", a="5").named == {"a": "5"}


def test_a_text_without_an_annotation_stays_a_text() -> None:
    assert bind("a", a="[1, 2]").named == {"a": "[1, 2]"}


@pytest.mark.parametrize(
    "text",
    ["__import__('os').system('true')", "1 + 1", "[x for x in (1,)]", "f()", "(" * 9999, "", "os"],
    ids=["an import", "a sum", "a loop", "a call", "nested without end", "nothing", "a name"],
)
@pytest.mark.parametrize("annotation", ["int", "list", "dict", "bool | None"])
def test_a_text_is_never_run_as_code(text: str, annotation: str) -> None:
    with pytest.raises(CallFailed, match="is to be"):
        bind(f"a: {annotation}", a=text)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        ("int", 2.5),
        ("int", True),
        ("int", None),
        ("int", [1]),
        ("str", 5),
        ("bool", 1),
        ("list", {}),
        ("dict", []),
        ("float", "many"),
        ("list[int]", "[1"),
        ("int | None", "no"),
    ],
)
def test_a_value_of_another_type_than_annotated_fails_the_call(
    annotation: str, value: object
) -> None:
    with pytest.raises(CallFailed, match=r"'a' of 'f' is to be .*, not "):
        bind(f"a: {annotation}", a=value)


def test_a_whole_number_does_for_a_real_one_and_2_0_for_2() -> None:
    assert bind("a: float, b: int", a=2, b=2.0).named == {"a": 2, "b": 2}
    assert isinstance(bind("b: int", b=2.0).named["b"], int)
    assert isinstance(bind("b: int | float", b=2.0).named["b"], float)


@pytest.mark.parametrize("annotation", ["tuple[int, int]", "Enum", "list[int] | Point", "np.array"])
def test_an_annotation_that_says_more_is_left_to_the_function(annotation: str) -> None:
    assert bind(f"a: {annotation}", a=[1, 2]).named == {"a": [1, 2]}
