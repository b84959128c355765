"""Published figures as reference columns; loaded from the package, never mixed with measured."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from medfilip_bench.errors import UnknownNameError


class Frozen(BaseModel):
    """Base settings: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PublishedRow(Frozen):
    """One method's figures, in the order of the table's columns."""

    name: str
    values: tuple[float, ...]


class PublishedTable(Frozen):
    """One published table.

    Attributes:
        title: What it shows.
        source: Id of the paper.
        unit: As printed: percent or fraction.
        note: What a reader must know.
        columns: One name a value.
        rows: The methods.
    """

    title: str
    source: str
    unit: Literal["percent", "fraction"]
    note: str = ""
    columns: tuple[str, ...]
    rows: tuple[PublishedRow, ...]

    @model_validator(mode="after")
    def _rows_fit_columns(self) -> "PublishedTable":
        for row in self.rows:
            if len(row.values) != len(self.columns):
                raise ValueError(
                    f"{row.name!r} has {len(row.values)} of {len(self.columns)} values"
                )
        return self

    def value(self, row: str, column: str) -> float:
        """Return one figure as printed.

        Raises:
            UnknownNameError: If the row or the column does not exist.
        """
        rows = {r.name: r for r in self.rows}
        if row not in rows:
            raise UnknownNameError("published row", row, rows)
        if column not in self.columns:
            raise UnknownNameError("published column", column, self.columns)
        return rows[row].values[self.columns.index(column)]

    def fraction(self, value: float) -> float:
        """Return a printed figure as a fraction of one."""
        return value / 100 if self.unit == "percent" else value

    def select(self, *words: str) -> "PublishedTable":
        """Return the table with only the columns that begin with one of the words."""
        kept = [i for i, name in enumerate(self.columns) if name.startswith(words)]
        rows = tuple(
            PublishedRow(name=row.name, values=tuple(row.values[i] for i in kept))
            for row in self.rows
        )
        columns = tuple(self.columns[i] for i in kept)
        return self.model_copy(update={"columns": columns, "rows": rows})


class Source(Frozen):
    """A paper that figures come from."""

    name: str


class Published(Frozen):
    """Every published figure at hand.

    Attributes:
        sources: The papers by id.
        tables: Their tables by id.
        beside: Our task -> {table: first words of the columns that stand beside it}.
    """

    sources: dict[str, Source]
    tables: dict[str, PublishedTable]
    beside: dict[str, dict[str, tuple[str, ...]]]

    def references(self, task: str) -> tuple[PublishedTable, ...]:
        """Return the tables, cut to the columns that stand beside a task.

        Args:
            task: Family and data set: ``zero_shot-six_entities``.
        """
        chosen = self.beside.get(task, {})
        return tuple(self.tables[name].select(*words) for name, words in chosen.items())


@cache
def load_published() -> Published:
    """Read the figures that ship with the package."""
    text = files("medfilip_bench.report").joinpath("published.toml").read_text(encoding="utf-8")
    return Published.model_validate(tomllib.loads(text))


def printed(table: PublishedTable, value: float) -> str:
    """Write a published figure as a fraction, with the places that its table was printed with.

    Args:
        table: Where it stands.
        value: The figure as printed there.
    """
    figures = [f"{table.fraction(v):.4f}".rstrip("0") for row in table.rows for v in row.values]
    places = max(len(text.partition(".")[2]) for text in figures)
    return f"{table.fraction(value):.{places}f}"
