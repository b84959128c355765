"""Which columns of a table hold the report's id and its text. Pure."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from gpt_ie.schema import GptIeError
from gpt_ie.sections import SECTIONS, section_of

# Names looked for, in this order, whatever their case; "-" and " " count as "_".
ID_NAMES = (
    "report_id", "id", "uid", "study_id", "image_id", "dicom_id", "accession_number", "filename",
)  # fmt: skip
SECTION_NAMES = ("findings", "impression")
TEXT_NAMES = ("text", "report", "report_text", "full_text", "radiology_report", "note", "body")
WHOLE = "text"


class ColumnError(GptIeError):
    """A column is missing or named twice, or a section has a name that is none."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to read of an input.

    Attributes:
        id_column: The id's column; None to guess it.
        text_columns: The columns of text; empty to guess them.
        sections: Of `gpt_ie.sections.SECTIONS`; empty for all text.
    """

    id_column: str | None = None
    text_columns: tuple[str, ...] = ()
    sections: frozenset[str] = frozenset()


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


def choose_sections(names: Sequence[str] | None) -> frozenset[str]:
    """The sections that a user's names stand for.

    Args:
        names: E.g. ``("findings", "conclusion")``; None or empty for all text.

    Returns:
        Of `gpt_ie.sections.SECTIONS`; empty for all text.

    Raises:
        ColumnError: For a name that is no section, with near ones.
    """
    sections: set[str] = set()
    for name in names or ():
        section = section_of(name)
        if section is None:
            near = difflib.get_close_matches(name.lower(), SECTIONS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ColumnError(
                f"no section {name!r} for --sections; known: {_listed(SECTIONS)}{hint}"
            )
        sections.add(section)
    return frozenset(sections)


def choose_columns(
    names: Sequence[str],
    id_column: str | None = None,
    text_columns: Sequence[str] = (),
    sections: Collection[str] = (),
) -> Columns:
    """Choose the columns of a table.

    Args:
        names: All columns of the table.
        id_column: The id's column; None to guess.
        text_columns: The columns of text; empty to guess: findings and impression, or else one
            column such as text or report.
        sections: Of `gpt_ie.sections.SECTIONS`; the columns of other sections are left out, and
            those that are no section stay. Empty for all.

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
    if text_columns:
        chosen = [_named(names, column, "--text") for column in text_columns]
        _check_sections(chosen, sections)
    else:
        chosen = _guess_texts(names, sections)
    for column in (report_id, *chosen):
        if names.count(column) > 1:
            raise ColumnError(f"the column {column!r} is there {names.count(column)} times")
    if len(chosen) == 1 and _plain(chosen[0]) not in SECTION_NAMES:
        return Columns(report_id, {WHOLE: chosen[0]})
    return Columns(report_id, {column: column for column in chosen})


def _guess_texts(names: Sequence[str], sections: Collection[str]) -> list[str]:
    """Findings and impression, or those of them that are wanted, or else one column of text."""
    guesses = [found for name in SECTION_NAMES if (found := _guess(names, (name,)))]
    chosen = [column for column in guesses if not sections or section_of(column) in sections]
    if chosen:
        return chosen
    whole = _guess(names, TEXT_NAMES)
    if whole is not None:
        return [whole]
    if guesses:
        _check_sections(guesses, sections)
    raise _missing("the text", (*SECTION_NAMES, *TEXT_NAMES), names, "--text COLUMN (once or more)")


def _check_sections(columns: Sequence[str], sections: Collection[str]) -> None:
    """Refuse a column that is a section other than those wanted."""
    for column in columns:
        if sections and section_of(column) not in (None, *sections):
            raise ColumnError(
                f"the column {column!r} is none of --sections {','.join(sorted(sections))}: name "
                "its section too, or another column with --text"
            )


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
