"""Take docs/app/*.png: each tab of the page at 1280 pixels, and one at a phone's 390.

    uv run python packages/medfilip-app/docs/make_screenshots.py --run RUN [--out docs/app]

The page is served on a free port of loopback and driven in headless Chromium. What it shows are
phantoms, images of nobody, and reports that a program wrote: of tab Image the first of them with
an effusion that is not small, of tab Check the first whose swapped sides the model finds,
of a finding that it takes to be there.
``tests/page/test_look.py`` takes the same pictures of a run of seconds, by `take`.
"""

import argparse
import io
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from medfilip_app.loaded import load
from medfilip_app.page.desk import set_up
from medfilip_app.page.server import application, running
from PIL import Image
from playwright.sync_api import Browser, Page

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "docs"))
from headless import chromium

OUT = Path(__file__).parents[3] / "docs" / "app"
PHRASE = "large left pleural effusion"
_LIMIT = 300_000
_CAPTION = "document.querySelector('#image-figure figcaption')?.innerText ?? ''"
_LOADED = "[...document.images].every((image) => image.complete && image.naturalWidth)"
# The verdicts stand below the words of the report that they are about, another than before.
_JUDGED = """(before) => {
    const report = document.querySelector('#check-text textarea').value;
    const judged = document.querySelector('#check-verdicts .mf-report')?.cloneNode(true);
    judged?.querySelectorAll('sup').forEach((number) => number.remove());
    return report !== before && judged?.textContent.trim() === report.trim();
}"""
_SIDE = re.compile("rather:.*(left|right|bilateral)")
_LIKELY = re.compile("image [5-9][0-9]%")


class Shot(NamedTuple):
    """A picture of the page.

    Attributes:
        drive: Brings the page into the state that is shown, with so many phantoms at most until
            one shows what the picture is for.
        width: Of the window in pixels, and of the picture.
        height: Of the window in pixels: the least height of the picture.
        tallest: Pixels that the picture has at most.
    """

    drive: Callable[[Page, int], None]
    width: int = 1280
    height: int = 800
    tallest: int = 1500


def _tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def _image(page: Page, tries: int) -> None:
    _tab(page, "Image")
    for _ in range(tries):
        before = page.evaluate(_CAPTION)
        page.click("#image-phantom")
        page.wait_for_function(f"(was) => ![was, ''].includes({_CAPTION})", arg=before)
        page.wait_for_selector("#image-figure .mf-heat")
        page.wait_for_selector("#image-why .mf-card")
        drawn = page.locator("#image-truth").inner_text()
        if "effusion" in drawn and "small" not in drawn:
            break
    page.locator("#image-phrase textarea, #image-phrase input").first.fill(PHRASE)
    page.keyboard.press("Enter")
    page.wait_for_selector("#image-scored .mf-card")


def _report(page: Page, _: int) -> None:
    _tab(page, "Report")
    page.get_by_role("button", name="Example: Effusion").click()
    page.wait_for_selector("#report-shown table")


def _check(page: Page, tries: int) -> None:
    """The first phantom with a side in its report whose swap the model finds and can point at."""
    _tab(page, "Check")
    wrong = page.locator("#check-verdicts .mf-line.mf-contradicted").filter(has_text=_SIDE)
    wrong = wrong.filter(has_text=_LIKELY)
    for _ in range(tries):
        for button in ("#check-phantom", "#check-mistake"):
            before = page.locator("#check-text textarea").input_value()
            page.click(button)
            page.wait_for_function(_JUDGED, arg=before)
        if wrong.count() and "swapped" in page.locator("#check-notice").inner_text():
            break
    (wrong if wrong.count() else page.locator("#check-verdicts .mf-line")).first.click()
    page.wait_for_selector("#check-figure .mf-heat")


def _dictionary(page: Page, _: int) -> None:
    _tab(page, "Dictionary")
    page.locator(".mf-search").fill("pleural")
    page.click("#dictionary-index [data-pick=pleural_effusion]")
    page.locator("#dictionary-entry h3").filter(has_text="pleural effusion").wait_for()


SHOTS: Mapping[str, Shot] = {
    "image": Shot(_image, tallest=1600),
    "report": Shot(_report),
    "check": Shot(_check),
    "dictionary": Shot(_dictionary),
    "phone": Shot(_check, width=390, height=844, tallest=2300),
}
"""Name of the file, without its ending, and what it shows."""


def take(
    browser: Browser, address: str, out: Path, tries: int = 30
) -> Iterator[tuple[str, Path, Page]]:
    """Take every picture.

    Args:
        browser: What opens the page.
        address: Of the page.
        out: Folder of the pictures.
        tries: Phantoms to pass by at most until one shows what a picture is for.

    Yields:
        The picture's name, its file, and the page in the state that it shows.

    Raises:
        ValueError: If a picture has more bytes than a page of the documentation should load.
    """
    for (width, height), shots in groupby(SHOTS.items(), lambda item: item[1][1:3]):
        with browser.new_page(viewport={"width": width, "height": height}) as page:
            page.goto(address)
            for name, shot in shots:
                shot.drive(page, tries)
                path = out / f"{name}.png"
                _save(page, path, shot)
                yield name, path, page


def _save(page: Page, path: Path, shot: Shot) -> None:
    """Take a picture of the whole page, in 256 colours."""
    page.evaluate("document.activeElement?.blur()")
    page.mouse.move(2, 2)
    page.wait_for_function(_LOADED)
    content = page.screenshot(full_page=True, animations="disabled")
    taken = Image.open(io.BytesIO(content)).convert("RGB")
    taken = taken.crop((0, 0, taken.width, min(taken.height, shot.tallest)))
    few = taken.quantize(256)
    taken.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    size = path.stat().st_size
    if size > _LIMIT:
        raise ValueError(f"{path} has {size} bytes, more than {_LIMIT}: show less on it")


def main() -> None:
    """Take the pictures of the run that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/phantom"))
    parser.add_argument("--out", type=Path, default=OUT)
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    app = application(set_up(load(wanted.run)))
    with running(app) as address, chromium() as browser:
        for _, path, _ in take(browser, address, wanted.out):
            with Image.open(path) as picture:
                shape = f"{picture.width} x {picture.height}"
            sys.stdout.write(f"{path.name} {shape}, {path.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
