"""What is expected of each data set, what was found under a root, and how to get what is not."""

from collections.abc import Iterator
from pathlib import Path

from medfilip_bench.datasets.find import READERS, find
from medfilip_bench.datasets.reader import Inventory


def inventory(root: Path) -> tuple[Inventory, ...]:
    """Take stock of every known data set, and of the manifest folders that lie beside them.

    No image is decoded and nothing is downloaded.

    Args:
        root: The data root, or the folder of one data set.

    Returns:
        One entry a data set, in the order of `READERS`, then the manifest folders.

    Raises:
        DataError: If the root is no folder.
    """
    found = {reader.card.id: (reader, folder) for reader, folder in find(root)}
    stock = {name: reader.check(folder) for name, (reader, folder) in found.items()}
    listed = [stock.get(name, Inventory(reader.card, None)) for name, reader in READERS.items()]
    own = [entry for name, entry in stock.items() if name not in READERS]
    return (*listed, *own)


def lines(stock: tuple[Inventory, ...]) -> Iterator[str]:
    """Tell an inventory as lines of text.

    Args:
        stock: What `inventory` found.

    Yields:
        For each data set its state, then what was found, what is missing, what is wrong and, where
        it cannot be used, what is expected where and how to get it.
    """
    for entry in stock:
        card = entry.card
        yield f"{card.id}: {card.name}: {state(entry)}"
        if entry.folder is not None:
            yield f"  in {entry.folder}"
        yield from (f"  found: {words}" for words in entry.found)
        yield from (f"  missing: {words}" for words in entry.missing)
        yield from (f"  wrong: {words}" for words in entry.wrong)
        if not entry.usable:
            if card.folders:
                yield f"  expected in: {' or '.join(card.folders)}"
            for expected in card.layout:
                optional = "" if expected.needed else " (not needed)"
                yield f"  expected: {expected.path}: {expected.what}{optional}"
            yield f"  to get it: {card.access}"
            yield f"  licence: {card.licence}"
    usable = sum(entry.usable for entry in stock)
    faulty = sum(bool(entry.wrong) for entry in stock)
    yield f"{usable} of {len(stock)} data sets can be read, {faulty} with something wrong"


def state(entry: Inventory) -> str:
    """Say in a word or two what can be done with a data set."""
    if entry.folder is None:
        return "not found"
    if not entry.usable:
        return "cannot be read"
    return "can be read, in part" if entry.wrong else "can be read"


def to_tree(stock: tuple[Inventory, ...]) -> list[dict[str, object]]:
    """Return an inventory as JSON can hold it.

    Args:
        stock: What `inventory` found.
    """
    return [
        {
            "id": entry.card.id,
            "name": entry.card.name,
            "state": state(entry),
            "usable": entry.usable,
            "folder": None if entry.folder is None else str(entry.folder),
            "found": list(entry.found),
            "missing": list(entry.missing),
            "wrong": list(entry.wrong),
            "expected": [
                {"path": e.path, "what": e.what, "needed": e.needed} for e in entry.card.layout
            ],
            "access": entry.card.access,
            "licence": entry.card.licence,
            "citation": entry.card.citation,
        }
        for entry in stock
    ]
