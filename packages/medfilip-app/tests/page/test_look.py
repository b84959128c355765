"""What the page looks like: its pictures, taken of a run of seconds, and the contrast of its words.

The pictures of the documentation are taken of a trained run by the same script.
"""

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

DOCS = Path(__file__).parents[4] / "docs" / "app"


def image(page: Page) -> None:
    assert page.locator("#image-truth").inner_text().startswith("What was drawn")
    assert page.locator("#image-classes .mf-row").count() == 14
    assert "large left pleural effusion" in page.locator("#image-scored").inner_text()
    assert page.locator("#image-figure .mf-heat").is_visible()


def report(page: Page) -> None:
    marks, rows = page.locator("#report-shown mark"), page.locator("#report-shown tbody tr")
    assert marks.count() == rows.count() == 6


def check(page: Page) -> None:
    assert "The mistake" in page.locator("#check-notice").inner_text()
    assert page.locator("#check-verdicts .mf-line[aria-pressed=true]").count() == 1
    assert page.locator("#check-figure .mf-heat").is_visible()


def dictionary(page: Page) -> None:
    assert page.locator("#dictionary-entry h3").first.inner_text() == "pleural effusion"
    assert "only pleural effusion" in page.locator("#dictionary-both").inner_text()


SHOWN: dict[str, Callable[[Page], None]] = {
    "image": image,
    "report": report,
    "check": check,
    "dictionary": dictionary,
    "phone": check,
}


def share_of_paper(picture: Image.Image) -> float:
    """Of all pixels those of the most common colour."""
    counts = np.unique(np.asarray(picture.convert("L")), return_counts=True)[1]
    return counts.max() / counts.sum()


def test_every_picture_shows_its_tab(
    screenshots: ModuleType, browser: Browser, address: str, tmp_path: Path
):
    # Of the first phantom that comes, whatever it shows.
    for name, path, page in screenshots.take(browser, address, tmp_path, tries=1):
        SHOWN[name](page)
        shot = screenshots.SHOTS[name]
        with Image.open(path) as picture:
            assert picture.width == shot.width
            assert shot.height <= picture.height <= shot.tallest
            assert share_of_paper(picture) < 0.9, f"{name} is blank"
    taken = sorted(file.name for file in tmp_path.iterdir())
    assert taken == sorted(file.name for file in DOCS.iterdir())


@pytest.mark.parametrize("path", sorted(DOCS.iterdir()), ids=lambda path: path.name)
def test_the_pictures_of_the_documentation_have_its_size(screenshots: ModuleType, path: Path):
    shot = screenshots.SHOTS[path.stem]
    with Image.open(path) as picture:
        assert picture.width == shot.width
        assert shot.height <= picture.height <= shot.tallest


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out(browser: Browser, address: str, scheme: str):
    """What is read has at least the contrast of WCAG AA, 4.5."""
    page = browser.new_page(color_scheme=scheme)
    page.set_default_timeout(15_000)
    page.goto(address)
    page.click("#image-phantom")
    page.wait_for_selector("#image-figure .mf-heat")
    pairs = page.evaluate(
        """[...document.querySelectorAll('#header *, #image-classes *, #image-why *, .mf-drop *')]
            .filter((e) => e.checkVisibility() && e.firstChild?.nodeType === Node.TEXT_NODE)
            .map((e) => {
                const paper = [];
                for (let at = e; at; at = at.parentElement) {
                    paper.push(getComputedStyle(at).backgroundColor);
                }
                return [e.outerHTML.slice(0, 80), getComputedStyle(e).color, paper];
            })"""
    )
    page.close()
    assert len(pairs) > 40
    low = [(what, contrast(ink, paper)) for what, ink, paper in pairs if contrast(ink, paper) < 4.5]
    assert low == []


def channels(colour: str) -> np.ndarray:
    found = [float(part) for part in re.findall(r"[\d.]+", colour)]
    return np.array([*found[:3], found[3] if len(found) > 3 else 1.0])


def contrast(ink: str, papers: list[str]) -> float:
    """Of a colour over the backgrounds behind it, the nearest first."""

    def light(rgb: np.ndarray) -> float:
        share = rgb / 255
        linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    paper = np.full(3, 255.0)
    for found in map(channels, reversed(papers)):
        paper = found[:3] * found[3] + paper * (1 - found[3])
    low, high = sorted((light(channels(ink)[:3]), light(paper)))
    return (high + 0.05) / (low + 0.05)
