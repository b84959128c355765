"""A few drawn image files and items that name them."""

from pathlib import Path

import numpy as np
import pytest
from iki_knowledge import Finding
from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.origins import FileOrigin
from medfilip_model.builders.result import Draft
from medfilip_model.data.samples import Sample
from PIL import Image

SPLITS = ("train", "train", "train", "valid", "test")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Twenty images of 40 x 30 pixels, each a grey of its own."""
    folder = tmp_path / "files"
    folder.mkdir()
    for n in range(20):
        Image.fromarray(np.full((30, 40), 10 * n, np.uint8)).save(folder / f"{n:02}.png")
    return folder


def items_of(folder: Path) -> list[Item]:
    """An item a file; every second shows a mass."""
    return [
        Item(
            Sample(
                id=path.stem,
                patient_id=f"p{n}",
                split=SPLITS[n % 5],
                findings=(Finding(category="mass"),) if n % 2 else (),
            ),
            path.name,
            file_state(folder, path.name),
        )
        for n, path in enumerate(sorted(folder.iterdir()))
    ]


def draft_of(folder: Path, **changes: object) -> Draft:
    """Everything of a folder."""
    return Draft(
        **{
            "name": "drawn",
            "source": {"kind": "folder"},
            "items": items_of(folder),
            "origin": FileOrigin(folder),
            "knowledge": "1",
            **changes,
        }
    )


@pytest.fixture
def draft(files: Path) -> Draft:
    return draft_of(files)
