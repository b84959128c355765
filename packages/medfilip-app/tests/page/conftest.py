"""A desk with a tiny run and a judge that can be foreseen, the page on a port, a browser."""

import importlib.util
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from gpt_ie import Report, RulesEngine
from headless import CHROMIUM, chromium
from iki_knowledge import KnowledgeBase
from medfilip_app.check import Check, Statement
from medfilip_app.loaded import Loaded
from medfilip_app.page.desk import Desk, set_up
from medfilip_app.page.gallery import Opened
from medfilip_app.page.server import application, running
from medfilip_model.consistency import Judgement, Omission, SlotJudgement
from PIL import Image
from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def kb(loaded: Loaded) -> KnowledgeBase:
    return loaded.kb


@pytest.fixture(scope="session")
def checker(loaded: Loaded) -> Callable[..., Check]:
    """What is left is contradicted, what is denied is undecided, the rest is supported."""
    engine = RulesEngine(loaded.kb)

    def check(_loaded: Loaded, pixels: np.ndarray, report: Report) -> Check:
        assert pixels.shape == (32, 32)
        read = engine.extract(report)
        found: list[Statement] = []
        for one in read.findings:
            slots = [SlotJudgement("presence", one.presence, one.presence, 2.0, "supported")]
            if one.presence == "absent":
                slots = [SlotJudgement("presence", "absent", None, None, "undecided")]
            elif one.side == "left":
                slots.append(SlotJudgement("side", "left", "right", -3.0, "contradicted"))
            judgement = Judgement(one, slots[-1].verdict, tuple(slots), 0.75)
            found.append(Statement(one, judgement))
        omitted = (Omission("hernia", 0.875, 2.5, "left"),)
        return Check(report.report_id, read.engine, tuple(found), omitted, 3.0)

    return check


@pytest.fixture(scope="session")
def desk(loaded: Loaded, checker: Callable[..., Check]) -> Desk:
    return set_up(loaded, checker)


@pytest.fixture(scope="session")
def phantom(desk: Desk) -> Opened:
    return desk.gallery.open_phantom()


@pytest.fixture(scope="session")
def good() -> bytes:
    """An image as a person would open it."""
    grey = np.tile(np.arange(0, 240, 2, dtype=np.uint8), (100, 1))
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def address(desk: Desk) -> Iterator[str]:
    with running(application(desk)) as served:
        yield served


@pytest.fixture(scope="session")
def screenshots() -> ModuleType:
    """The script that takes the pictures of the documentation."""
    path = Path(__file__).parents[2] / "docs" / "make_screenshots.py"
    spec = importlib.util.spec_from_file_location("make_screenshots", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    # Not for the whole session: until it is closed no other test of this thread may run asyncio.
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    with chromium() as opened:
        yield opened
