"""How long a person waits for the page: first result, next results, ten people at once.

    uv run python packages/medfilip-app/benchmarks/page_load.py [--run RUN] [--people 10]

The page is served on a free port of loopback and used in headless Chromium by Playwright: the time
runs from the choice of a file to the moment when its probabilities stand on the page, as a person
sees it; beside it the time until the reasons and the heatmap stand there too. gradio_client would
measure less: the page's listeners are private, and a browser's own work is part of the wait. The
ten people are ten pages in one Chromium, each opening one file after the other, on the same cores
as the server. Files are JPEGs of phantoms, each another one, 1024 pixels a side unless --side says
another size.
"""

import argparse
import asyncio
import io
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from medfilip_app.loaded import load
from medfilip_app.page.desk import set_up
from medfilip_app.page.server import application, running
from medfilip_model.phantom import PhantomConfig, generate
from medfilip_model.phantom.cache import to_bytes
from PIL import Image
from playwright.async_api import Browser, FilePayload, Page, async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "docs"))
from headless import CHROMIUM, FLAGS

FIRST, NEXT, CROWD = 3.0, 0.3, 5.0
SEED = 7


@dataclass
class Waits:
    """Seconds that people waited, and what went wrong."""

    probabilities: list[float] = field(default_factory=list)
    all_of_it: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def _files(count: int, side: int) -> list[FilePayload]:
    made: list[FilePayload] = []
    for number in range(count):
        drawn = generate(PhantomConfig(size=side, seed=SEED, normal_share=0.1), number)
        content = io.BytesIO()
        Image.fromarray(to_bytes(drawn.image)).save(content, format="JPEG", quality=92)
        name = f"film-{number:03}.jpg"
        made.append({"name": name, "mimeType": "image/jpeg", "buffer": content.getvalue()})
    return made


async def _open_page(browser: Browser, address: str) -> Page:
    page = await browser.new_page()
    page.set_default_timeout(60_000)
    await page.goto(address)
    await page.wait_for_selector("#image-phantom")
    return page


async def _upload(page: Page, file: FilePayload, waits: Waits) -> None:
    """Open a file as a person would, and wait for what is said of it."""
    begun = time.perf_counter()
    await page.locator("#image-upload .mf-file").set_input_files(file)
    await page.wait_for_function(
        """(name) => document.querySelector('#image-figure figcaption')?.innerText.includes(name)
            || document.querySelector('.mf-status.mf-error')""",
        arg=file["name"],
    )
    waits.probabilities.append(time.perf_counter() - begun)
    if await page.locator(".mf-error").count():
        waits.errors.append(await page.locator(".mf-error").first.inner_text())
        return
    await page.wait_for_selector("#image-figure .mf-heat")
    waits.all_of_it.append(time.perf_counter() - begun)


async def _person(browser: Browser, address: str, own: list[FilePayload], waits: Waits) -> None:
    page = await _open_page(browser, address)
    for file in own:
        try:
            await _upload(page, file, waits)
        except Exception as error:
            waits.errors.append(str(error).splitlines()[0])
    await page.close()


async def _measured(
    address: str, uploads: int, people: int, side: int
) -> tuple[Waits, Waits, Waits]:
    first, after, crowd = Waits(), Waits(), Waits()
    each = max(2, uploads // 4)
    drawn = _files(1 + uploads + people * each, side)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await _open_page(browser, address)
        await _upload(page, drawn[0], first)
        for file in drawn[1 : uploads + 1]:
            await _upload(page, file, after)
        await page.close()
        rest = drawn[uploads + 1 :]
        shares = [rest[n * each : (n + 1) * each] for n in range(people)]
        await asyncio.gather(*(_person(browser, address, own, crowd) for own in shares))
        await browser.close()
    return first, after, crowd


def _row(name: str, waits: Waits, limit: float) -> str:
    seconds, whole = np.array(waits.probabilities), np.array(waits.all_of_it or [np.nan])
    high = float(np.quantile(seconds, 0.95))
    judged = "ok" if high <= limit and not waits.errors else "MISSED"
    return (
        f"| {name} | {len(seconds)} | {np.median(seconds):.2f} s | {high:.2f} s | {limit:.1f} s | "
        f"{np.median(whole):.2f} s | {len(waits.errors)} | {judged} |"
    )


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=Path("runs/phantom"))
    parser.add_argument("--uploads", type=int, default=20)
    parser.add_argument("--people", type=int, default=10)
    parser.add_argument("--side", type=int, default=1024, help="of the films, in pixels")
    wanted = parser.parse_args()
    begun = time.perf_counter()
    app = application(set_up(load(wanted.run)))
    print(f"{os.cpu_count()} cores; ready after {time.perf_counter() - begun:.1f} s\n")
    with running(app) as address:
        found = asyncio.run(_measured(address, wanted.uploads, wanted.people, wanted.side))
    print("| | uploads | median | p95 | to reach (p95) | with reasons and heatmap | errors | |")
    print("|---|---|---|---|---|---|---|---|")
    names = ("first result", "next results", f"{wanted.people} people at once")
    for name, waits, limit in zip(names, found, (FIRST, NEXT, CROWD), strict=True):
        print(_row(name, waits, limit))
    for error in dict.fromkeys(error for waits in found for error in waits.errors):
        print(f"error: {error}")


if __name__ == "__main__":
    main()
