"""The pipeline as a drawing: steps in layers, and what flows between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from flows.reporting.page.rendering import clipped, rendered_text

Direction = Literal["across", "down"]

_BOX = {"across": (144, 60), "down": (204, 44)}
_GAP = {"across": (25, 16), "down": (16, 26)}
_NAME = {"across": 16, "down": 24}
_LINE = {"across": 19, "down": 29}
_MARGIN = 3
_SWEEPS = 4


@dataclass(frozen=True, slots=True)
class Node:
    """A step to draw: the steps before it, its class, its rows; whether it asks a model, is new."""

    name: str
    after: tuple[str, ...]
    step: str
    rows: str
    asks: bool = False
    changed: bool = False


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


def pipeline_graph(nodes: Sequence[Node], direction: Direction) -> str:
    """Return a drawing of the steps, layer after layer, across the page or down it."""
    layers, routes = _layers(nodes)
    (width, height), (apart_x, apart_y) = _BOX[direction], _GAP[direction]
    longest = max(map(len, layers))
    corners: dict[str, _Point] = {}
    for number, layer in enumerate(layers):
        for place, key in enumerate(layer):
            beside = place + (longest - len(layer)) / 2
            column, line = (number, beside) if direction == "across" else (beside, number)
            corners[key] = _Point(
                _MARGIN + column * (width + apart_x), _MARGIN + line * (height + apart_y)
            )
    columns, lines = len(layers), longest
    if direction == "down":
        columns, lines = lines, columns
    return rendered_text(
        "graph.svg.jinja2",
        direction=direction,
        title="The pipeline",
        width=2 * _MARGIN + columns * (width + apart_x) - apart_x,
        height=2 * _MARGIN + lines * (height + apart_y) - apart_y,
        box={"width": width, "height": height},
        nodes=[
            {
                "x": corners[node.name].x,
                "y": corners[node.name].y,
                "name": clipped(node.name, _NAME[direction]),
                "lines": _lines(node, direction),
                "node": node,
            }
            for node in nodes
        ],
        edges=[
            _edge([corners[key] for key in route], width, height, direction) for route in routes
        ],
    )


def _lines(node: Node, direction: Direction) -> list[str]:
    letters = _LINE[direction]
    if direction == "down":
        step = clipped(node.step, letters - len(node.rows) - 3)
        return [f"{step} · {node.rows}"]
    return [clipped(node.step, letters), clipped(node.rows, letters)]


def _layers(nodes: Sequence[Node]) -> tuple[list[list[str]], list[list[str]]]:
    """Return the keys in each layer, and of each edge those that it passes.

    A step is one layer after the last step before it; an edge over several layers has a key in each
    between, so that it has a place there.
    """
    depth: dict[str, int] = {}
    for node in nodes:
        depth[node.name] = 1 + max((depth[name] for name in node.after), default=-1)
    layers: list[list[str]] = [[] for _ in range(1 + max(depth.values()))]
    for name, number in depth.items():
        layers[number].append(name)
    routes = []
    for node in nodes:
        for source in node.after:
            between = range(depth[source] + 1, depth[node.name])
            passed = [f"{source}\n{node.name}\n{number}" for number in between]
            for number, key in zip(between, passed, strict=True):
                layers[number].append(key)
            routes.append([source, *passed, node.name])
    _untangle(layers, routes)
    return layers, routes


def _untangle(layers: list[list[str]], routes: Sequence[Sequence[str]]) -> None:
    """Order each layer by where its neighbours are (barycentre method), a few times both ways."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for route in routes:
        for source, target in pairwise(route):
            before.setdefault(target, []).append(source)
            after.setdefault(source, []).append(target)
    for _ in range(_SWEEPS):
        for beside, order in ((before, layers), (after, layers[::-1])):
            for earlier, layer in pairwise(order):
                _sort_by_neighbours(layer, earlier, beside)


def _sort_by_neighbours(
    layer: list[str], earlier: Sequence[str], beside: Mapping[str, Sequence[str]]
) -> None:
    place = {key: number for number, key in enumerate(earlier)}

    def middle(key: str) -> float:
        near = [place[other] for other in beside.get(key, ()) if other in place]
        return sum(near) / len(near) if near else layer.index(key)

    middles = {key: middle(key) for key in layer}
    layer.sort(key=lambda key: middles[key])


def _edge(
    corners: Sequence[_Point], width: float, height: float, direction: Direction
) -> dict[str, str]:
    """Return the paths of an edge and of its arrow head."""
    path = ""
    end = corners[-1]
    for first, second in pairwise(corners):
        if direction == "across":
            begin = _Point(first.x + width, first.y + height / 2)
            end = _Point(second.x, second.y + height / 2)
            half = (begin.x + end.x) / 2
            curve = f"C{half:g} {begin.y:g} {half:g} {end.y:g} {end.x:g} {end.y:g}"
        else:
            begin = _Point(first.x + width / 2, first.y + height)
            end = _Point(second.x + width / 2, second.y)
            half = (begin.y + end.y) / 2
            curve = f"C{begin.x:g} {half:g} {end.x:g} {half:g} {end.x:g} {end.y:g}"
        path += f"{'L' if path else 'M'}{begin.x:g} {begin.y:g}{curve}"
    back = (-7, -4, 0, 8) if direction == "across" else (-4, -7, 8, 0)
    head = f"M{end.x:g} {end.y:g}l{back[0]} {back[1]}l{back[2]} {back[3]}z"
    return {"path": path, "head": head}
