"""`GradedTexts`: three texts of which two pairs are alike to a given degree."""

from __future__ import annotations

from typing import ClassVar, Literal, get_args

from tasks.generator_task import GeneratorTask
from tasks.retrieval.embedding_data import EmbeddingData
from tasks.retrieval.subjects import SUBJECTS

_Unit = Literal["sentence", "phrase", "passage"]
_Difficulty = Literal["elementary school", "high school", "college"]
_HighScore = Literal["4", "4.5", "5"]
_LowScore = Literal["2.5", "3", "3.5"]


class GradedTexts(EmbeddingData, GeneratorTask):
    """Invents texts S1, S2 and S3: S1 and S2 are as alike as `high_score` of 5 says, S1 and S3 as
    `low_score` says.
    """

    version: ClassVar = 1
    texts: ClassVar = ("S1", "S2", "S3")
    graded: ClassVar = {
        "unit": get_args(_Unit),
        "difficulty": get_args(_Difficulty),
        "high_score": get_args(_HighScore),
        "low_score": get_args(_LowScore),
        "subject": SUBJECTS,
    }

    unit: _Unit | None = None
    difficulty: _Difficulty | None = None
    high_score: _HighScore | None = None
    low_score: _LowScore | None = None
