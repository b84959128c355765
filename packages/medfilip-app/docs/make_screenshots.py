"""Take docs/app/*.png: each tab of the page at 1280 pixels, and one at a phone's 390.

    uv run python packages/medfilip-app/docs/make_screenshots.py --run RUN [--out docs/app]

The page is served on a free port of loopback and driven in headless Chromium. What it shows are
phantoms, images of nobody, and reports that a program wrote: of tab Image the first of them with
an effusion that is not small, of tab Check the first whose swapped sides the model finds.
"""

import argparse
import io
import re
import sys
from collections.abc import Callable
from pathlib import Path

from medfilip_app.loaded import load
from medfilip_app.page.desk import set_up
from medfilip_app.page.server import application, running
from PIL import Image
from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
OUT = Path(__file__).parents[3] / "docs" / "app"
# Phantoms to pass by until one is found that shows what the picture is for.
_TRIES = 30
_LIMIT = 300_000
_CAPTION = "document.querySelector('#image-figure figcaption')?.innerText ?? ''"
_SIDE = re.compile("rather:.*(left|right|bilateral)")
# Pixels below the fold that a picture may show.
_TALLEST = {1280: 1500, 390: 2300}


def _tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def _image(page: Page) -> None:
    _tab(page, "Image")
    for _ in range(_TRIES):
        before = page.evaluate(_CAPTION)
        page.click("#image-phantom")
        page.wait_for_function(f"(was) => ![was, ''].includes({_CAPTION})", arg=before)
        page.wait_for_selector("#image-figure .mf-heat")
        page.wait_for_selector("#image-why .mf-card")
        drawn = page.locator("#image-truth").inner_text()
        if "effusion" in drawn and "small" not in drawn:
            break
    page.locator("#image-phrase textarea, #image-phrase input").first.fill("fluid at the lung base")
    page.keyboard.press("Enter")
    page.wait_for_selector("#image-scored .mf-card")


def _report(page: Page) -> None:
    _tab(page, "Report")
    page.get_by_role("button", name="Example: Effusion").click()
    page.wait_for_selector("#report-shown table")


def _check(page: Page) -> None:
    """The first phantom with a side in its report whose swap the model finds."""
    _tab(page, "Check")
    wrong = page.locator("#check-verdicts .mf-line.mf-contradicted").filter(has_text=_SIDE)
    for _ in range(_TRIES):
        page.click("#check-phantom")
        page.locator("#check-notice").filter(has_text="written by the program").wait_for()
        page.click("#check-mistake")
        page.locator("#check-notice").filter(has_text="The mistake").wait_for()
        page.wait_for_selector("#check-verdicts .mf-line")
        page.wait_for_timeout(700)
        if wrong.count() and "swapped" in page.locator("#check-notice").inner_text():
            break
    (wrong if wrong.count() else page.locator("#check-verdicts .mf-line")).first.click()
    page.wait_for_selector("#check-figure .mf-heat")


def _dictionary(page: Page) -> None:
    _tab(page, "Dictionary")
    page.locator(".mf-search").fill("pleural")
    page.click("#dictionary-index [data-pick=pleural_effusion]")
    page.locator("#dictionary-entry h3").filter(has_text="pleural effusion").wait_for()


_SHOTS: dict[str, Callable[[Page], None]] = {
    "image": _image,
    "report": _report,
    "check": _check,
    "dictionary": _dictionary,
}


def _save(page: Page, path: Path) -> None:
    """Take a picture of the whole page, with as many colours as fit the limit."""
    page.evaluate("document.activeElement?.blur()")
    page.mouse.move(2, 2)
    page.wait_for_timeout(600)
    taken = Image.open(io.BytesIO(page.screenshot(full_page=True))).convert("RGB")
    taken = taken.crop((0, 0, taken.width, min(taken.height, _TALLEST[taken.width])))
    few = taken.quantize(256)
    taken.quantize(palette=few, dither=Image.Dither.FLOYDSTEINBERG).save(path, optimize=True)
    size = path.stat().st_size
    if size > _LIMIT:
        raise SystemExit(f"{path} has {size} bytes, more than {_LIMIT}")
    sys.stdout.write(f"{path.name} {taken.width} x {taken.height}, {size} bytes\n")


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/phantom"))
    parser.add_argument("--out", type=Path, default=OUT)
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    app = application(set_up(load(wanted.run)))
    with running(app) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(address)
        for name, go in _SHOTS.items():
            go(page)
            _save(page, wanted.out / f"{name}.png")
        phone = browser.new_page(viewport={"width": 390, "height": 844})
        phone.goto(address)
        _check(phone)
        _save(phone, wanted.out / "phone.png")
        browser.close()


if __name__ == "__main__":
    main()
