"""Templates → text; pure."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from medfilip_bench.report.table import Cell, Line, words


def render(template: str, **content: object) -> str:
    """Render a template of the report.

    Args:
        template: Its file name; in ``*.html.j2`` every text is escaped.
        content: What it prints, by name.
    """
    environment = Environment(
        loader=PackageLoader("medfilip_bench.report"),
        autoescape=template.endswith(".html.j2"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters["pipes"] = pipes
    return environment.get_template(template).render(**content)


def pipes(cell: Cell | Line | str) -> str:
    """Return a cell or a line's name as Markdown table text."""
    match cell:
        case Line():
            text = words(cell.name, cell.small)
        case Cell():
            text = words(cell.text, cell.small)
            text = f"**{text}**" if cell.best else text
        case _:
            text = cell
    return text.replace("|", "\\|").replace("\n", " ")
