"""Pictures from prompts."""

from __future__ import annotations

from tests.differential.case import Case

PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
"""A picture of one pixel as PNG in base64."""

CASES = (
    Case("ImageGeneration", "a picture", rows=[{"prompt": "An otter."}], replies=[PIXEL]),
    Case("ImageGeneration", "no picture", rows=[{"prompt": "An otter."}], replies=[None]),
    Case(
        "ImageGeneration",
        "two pictures",
        rows=[{"prompt": "An otter."}],
        replies=[PIXEL, PIXEL],
        parameters={"num_generations": 2},
    ),
)
