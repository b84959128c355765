"""The documentation site: it builds strictly, asks no other host for anything, and is complete."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from headless import CHROMIUM, chromium
from PIL import Image

ROOT = Path(__file__).parents[1]
# What a browser fetches without being asked: not the target of a link that a person follows.
FETCHED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|link)\b[^>]*?"
    r"\b(?:src|srcset|href|data)=[\"']?((?:https?:)?//[^\"'\s>]+)"
)
PACKAGES = ("iki_knowledge", "gpt_ie", "ssm", "medfilip_model", "medfilip_bench")


@pytest.fixture(scope="module")
def front() -> ModuleType:
    """The script that takes the picture of the front page."""
    path = ROOT / "docs" / "make_site_front.py"
    spec = importlib.util.spec_from_file_location("make_site_front", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(front: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    front.build(folder)
    return folder


@pytest.fixture(scope="module")
def address(site: Path, front: ModuleType) -> Iterator[str]:
    with front.served(site) as address:
        yield address


def test_no_page_fetches_anything_from_another_host(site: Path):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 20
    found = {
        str(page.relative_to(site)): FETCHED.findall(page.read_text("utf-8")) for page in pages
    }
    assert {page: names for page, names in found.items() if names} == {}
    for sheet in site.rglob("*.css"):
        assert not re.search(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//", sheet.read_text("utf-8"))


def test_the_pattern_finds_what_it_looks_for():
    page = '<link href="https://a.b/c.css"><img alt="x" src=//d.e/f.png><a href="https://g.h">'
    assert FETCHED.findall(page) == ["https://a.b/c.css", "//d.e/f.png"]


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", ["index.html", "tutorial.html", "reference/gpt-ie.html"])
def test_a_browser_asks_this_host_alone_and_nothing_runs_over(
    address: str, page: str, width: int, browser: object
):
    view = browser.new_page(viewport={"width": width, "height": 900})  # type: ignore[attr-defined]
    asked: list[str] = []
    broken: list[str] = []
    view.on("request", lambda request: asked.append(request.url))
    view.on("response", lambda answer: answer.status >= 400 and broken.append(answer.url))
    view.goto(f"{address}/{page}", wait_until="load")
    assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
    assert broken == []
    assert view.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert view.locator("h1").first.is_visible()
    view.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is not installed")
    with chromium() as started:
        yield started


def test_the_picture_of_the_front_page_is_taken(
    address: str, front: ModuleType, browser: object, tmp_path: Path
):
    taken = tmp_path / front.PICTURE.name
    front.take(browser, f"{address}/index.html", taken)
    with Image.open(taken) as new, Image.open(front.PICTURE) as shown:
        assert new.size == shown.size == (front.WIDTH, front.HEIGHT)
        # Coarse: another machine has other fonts.
        coarse = [np.asarray(one.convert("L").resize((32, 25)), float) for one in (new, shown)]
    assert np.ptp(coarse[0]) > 100, "the picture is blank"
    assert np.corrcoef(coarse[0].ravel(), coarse[1].ravel())[0, 1] > 0.9, "renew the picture"


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_is_in_the_reference(package: str):
    page = {"iki_knowledge": "iki-knowledge", "ssm": "ssm"}.get(package, package.replace("_", "-"))
    shown = re.findall(
        r"^::: ([\w.]+)$", (ROOT / "docs" / "reference" / f"{page}.md").read_text("utf-8"), re.M
    )
    public = importlib.import_module(package).__all__
    assert [name for name in public if f"{package}.{name}" not in shown] == []
    assert [name for name in shown if name.split(".")[0] != package] == []


def test_every_name_of_the_reference_is_on_its_page(site: Path):
    for page in sorted((ROOT / "docs" / "reference").glob("*.md")):
        html = (site / "reference" / f"{page.stem}.html").read_text("utf-8")
        names = re.findall(r"^::: ([\w.]+)$", page.read_text("utf-8"), re.M)
        assert [name for name in names if f'id="{name}"' not in html] == []


def test_every_picture_is_made_by_a_script_that_is_there():
    table = (ROOT / "docs" / "pictures.md").read_text("utf-8")
    made: dict[str, str] = {}
    for row in re.findall(r"^\| (`.+`) \| `(.+)` \|$", table, re.M):
        made |= dict.fromkeys(re.findall(r"`([^`]+)`", row[0]), row[1])
    folders = [ROOT / "docs", *ROOT.glob("packages/*/docs")]
    kinds = {".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp"}
    pictures = [
        str(path.relative_to(ROOT))
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.suffix in kinds
    ]
    assert pictures
    assert [name for name in pictures if not any(fnmatch(name, one) for one in made)] == []
    for command in made.values():
        assert command.startswith("uv run ")
        assert all((ROOT / word).is_file() for word in command.split() if word.endswith(".py")), (
            command
        )
