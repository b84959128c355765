"""A hook of mkdocs: the reference shows the commands' help that the packages' READMEs hold.

A line ``<!-- commands of NAME -->`` in a page is replaced by the code blocks of
``packages/NAME/README.md`` that show a help text, each below the command that prints it. A test of
each package compares those blocks with what its commands print, so there is one copy of them.
"""

import re
from pathlib import Path

PACKAGES = Path(__file__).parents[1] / "packages"
_PLACE = re.compile(r"^<!-- commands of ([\w-]+) -->$", re.MULTILINE)
_BLOCK = re.compile(r"^```\w*\n(?P<body>(?:(?!```).*\n)*?)```$", re.MULTILINE)
_USAGE = re.compile(r"^Usage: (?P<command>.+?)(?: \[OPTIONS\].*)?$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """The page's text with the help in its place; called by mkdocs."""
    return _PLACE.sub(lambda place: helps(place[1]), markdown)


def helps(package: str) -> str:
    """The help of every command of a package, as Markdown.

    Args:
        package: Folder under ``packages``.

    Raises:
        ValueError: If its README shows none.
    """
    text = (PACKAGES / package / "README.md").read_text("utf-8")
    parts: list[str] = []
    for block in _BLOCK.finditer(text):
        if usage := _USAGE.search(block["body"]):
            body = re.sub(r"\A\$ .*\n", "", block["body"])
            parts.append(f"### `{usage['command']}`\n\n```text\n{body}```")
    if not parts:
        raise ValueError(f"the README of {package!r} shows the help of no command")
    return "\n\n".join(parts)
