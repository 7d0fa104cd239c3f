"""`Person`: somebody who does not exist."""

from __future__ import annotations

from functools import lru_cache
from random import Random
from threading import Lock
from typing import Any, ClassVar, Literal, Self

import polars as pl
from pydantic import Field, model_validator

from llms.errors import ConfigurationError
from tasks.packages import check_packages
from tasks.row import Row
from tasks.samplers.sampler import Sampler

_PERSON = pl.Struct(
    {
        "name": pl.String,
        "first_name": pl.String,
        "last_name": pl.String,
        "sex": pl.String,
        "age": pl.Int64,
        "city": pl.String,
        "occupation": pl.String,
        "email": pl.String,
    }
)

_BEFORE_THE_FIRST_NAME = {"hu": " ", "ja": " ", "ko": "", "vi": " ", "zh": ""}
"""Languages that put the last name first, with what stands between the two."""

_FAKER = Lock()


class Person(Sampler):
    """Draws a person of the library faker: names, city and occupation of a `locale`.

    The column holds structs with `name`, `first_name`, `last_name`, `sex` ("female" or "male"),
    `age` (years), `city`, `occupation` and `email`, always at example.com, .net or .org; a prompt
    has `{{ person.name }}` then. `sex` and `age_range` (both ends included) narrow the choice. The
    persons are the same ones as long as the version of faker is.

    Raises:
        ConfigurationError: faker does not know the locale, or the range is empty.
        MissingPackageError: faker is not installed.

    Example:
        >>> from random import Random
        >>> from tasks.samplers import Person
        >>> person = Person(locale="en_GB", sex="female", age_range=(30, 39)).draw(Random(1), {})
        >>> person["sex"], person["age"], person["name"].startswith(person["first_name"])
        ('female', 39, True)
    """

    kind: ClassVar = "person"

    locale: str = Field(default="en_US", pattern="^[a-z]{2,3}(_[A-Z]{2})?$")
    sex: Literal["female", "male"] | None = None
    age_range: tuple[int, int] = (18, 85)

    @property
    def dtype(self) -> pl.DataType:
        return _PERSON

    def draw(self, random: Random, row: Row) -> Row:
        sex = random.choice(("female", "male"))
        age = random.randint(*self.age_range)
        return _person(self.locale, self.sex or sex, age, random.getrandbits(64))

    def load(self) -> None:
        with _FAKER:
            _faker(self.locale)

    @model_validator(mode="after")
    def _check(self) -> Self:
        youngest, oldest = self.age_range
        if not 0 <= youngest <= oldest:
            raise ConfigurationError(
                f"Person: age_range=({youngest}, {oldest}) is no range of ages, youngest first."
            )
        return self


def _person(locale: str, sex: str, age: int, seed: int) -> Row:
    with _FAKER:
        faker = _faker(locale)
        from faker.utils.text import slugify

        faker.seed_instance(seed)
        first, last = faker.format(f"first_name_{sex}"), faker.format(f"last_name_{sex}")
        space = _BEFORE_THE_FIRST_NAME.get(locale.partition("_")[0])
        letters = slugify(f"{first}.{last}".casefold(), allow_dots=True).strip(".-")
        return {
            "name": f"{first} {last}" if space is None else f"{last}{space}{first}",
            "first_name": first,
            "last_name": last,
            "sex": sex,
            "age": age,
            "city": faker.city(),
            "occupation": faker.job(),
            "email": f"{letters or faker.user_name()}@{faker.safe_domain_name()}",
        }


@lru_cache
def _faker(locale: str) -> Any:
    check_packages("Person", "samplers", "faker")
    from faker import Factory

    try:
        return Factory.create(locale)
    except AttributeError as error:
        raise ConfigurationError(
            f"faker knows no locale {locale!r}; name one like en_US or de_DE."
        ) from error
