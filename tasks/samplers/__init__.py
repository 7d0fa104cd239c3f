"""Columns drawn at random, the same ones on every run: numbers, dates, categories, persons."""

from __future__ import annotations

from tasks.samplers.category import Category
from tasks.samplers.conditional import Conditional
from tasks.samplers.date import Date
from tasks.samplers.gaussian import Gaussian
from tasks.samplers.person import Person
from tasks.samplers.sampler import Sampler
from tasks.samplers.uniform import Uniform

__all__ = ["Category", "Conditional", "Date", "Gaussian", "Person", "Sampler", "Uniform"]
