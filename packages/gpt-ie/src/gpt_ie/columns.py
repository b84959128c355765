"""Which columns of a table hold the report's id and its text. Pure."""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gpt_ie.schema import GptIeError

# Names looked for, in this order, whatever their case; "-" and " " count as "_".
ID_NAMES = (
    "report_id", "id", "uid", "study_id", "image_id", "dicom_id", "accession_number", "filename",
)  # fmt: skip
SECTION_NAMES = ("findings", "impression")
TEXT_NAMES = ("text", "report", "report_text", "full_text", "radiology_report", "note", "body")
WHOLE = "text"


class ColumnError(GptIeError):
    """A column is missing or named twice."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns in use.

    Attributes:
        report_id: Name of the id's column.
        texts: Section name -> column name. They are the same, but for an input of one text that is
            neither findings nor impression, whose section is "text".
    """

    report_id: str
    texts: Mapping[str, str]


def choose_columns(
    names: Sequence[str], id_column: str | None = None, text_columns: Sequence[str] = ()
) -> Columns:
    """Choose the columns of a table.

    Args:
        names: All columns of the table.
        id_column: The id's column; None to guess.
        text_columns: The columns of text; empty to guess: findings and impression, or else one
            column such as text or report.

    Returns:
        The columns.

    Raises:
        ColumnError: With the missing name, the columns found and the option that maps them.
    """
    if id_column is None:
        report_id = _guess(names, ID_NAMES)
        if report_id is None:
            raise _missing("the report's id", ID_NAMES, names, "--id COLUMN")
    else:
        report_id = _named(names, id_column, "--id")
    chosen = [_named(names, column, "--text") for column in text_columns]
    if not chosen:
        chosen = [found for name in SECTION_NAMES if (found := _guess(names, (name,)))]
    if not chosen:
        whole = _guess(names, TEXT_NAMES)
        if whole is None:
            raise _missing(
                "the text", (*SECTION_NAMES, *TEXT_NAMES), names, "--text COLUMN (once or more)"
            )
        chosen = [whole]
    for column in (report_id, *chosen):
        if names.count(column) > 1:
            raise ColumnError(f"the column {column!r} is there {names.count(column)} times")
    if len(chosen) == 1 and _plain(chosen[0]) not in SECTION_NAMES:
        return Columns(report_id, {WHOLE: chosen[0]})
    return Columns(report_id, {column: column for column in chosen})


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "_").replace(" ", "_")


def _guess(names: Sequence[str], wanted: Sequence[str]) -> str | None:
    found = {_plain(name): name for name in reversed(names)}
    return next((found[name] for name in wanted if name in found), None)


def _named(names: Sequence[str], name: str, option: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=2, cutoff=0.5)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    raise ColumnError(f"no column {name!r} for {option}; columns found: {_listed(names)}{hint}")


def _missing(what: str, wanted: Sequence[str], names: Sequence[str], option: str) -> ColumnError:
    hint = ""
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        hint = "; the file seems to be separated by another sign than a comma: convert it"
    return ColumnError(
        f"no column for {what} (looked for {', '.join(wanted)}); columns found: "
        f"{_listed(names)}; name it with {option}{hint}"
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names))
