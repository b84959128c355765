"""Build the site and take the picture of its front page, docs/site_front.png.

    uv run python docs/make_site_front.py [--out FILE] [--page index.html] [--width 1280]

With Debian's chromium, headless. ``tests/test_docs_site.py`` takes the same picture, by `take`, and
compares it with the one that is there.
"""

import argparse
import os
import subprocess
import sysconfig
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from headless import chromium
from PIL import Image
from playwright.sync_api import Browser

DOCS = Path(__file__).resolve().parent
PICTURE, WIDTH, HEIGHT = DOCS / "site_front.png", 1280, 1000
"""Of the front page, and its size in pixels."""


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a word."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Generator[str]:
    """A folder on this machine's loopback address, since search needs a server.

    Args:
        folder: What is served.

    Yields:
        The address.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def build(site: Path) -> None:
    """Build the site, strictly.

    Args:
        site: Folder to write.

    Raises:
        CalledProcessError: If anything in it is wrong.
    """
    subprocess.run(
        [Path(sysconfig.get_path("scripts")) / "mkdocs", "build", "--strict", "--quiet",
         "--site-dir", site],
        cwd=DOCS.parent, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True,
    )  # fmt: skip


def take(browser: Browser, url: str, out: Path, width: int = WIDTH, height: int = HEIGHT) -> None:
    """Take a picture of the top of a page.

    Args:
        browser: What opens it.
        url: Its address.
        out: PNG to write.
        width: Of the window in pixels.
        height: Of the window in pixels; 0 for all of the page.
    """
    with browser.new_page(viewport={"width": width, "height": height or 900}) as view:
        view.goto(url, wait_until="networkidle")
        view.screenshot(path=out, full_page=not height)
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256).save(out, optimize=True)


def main() -> None:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=PICTURE)
    parser.add_argument("--page", default="index.html")
    parser.add_argument("--width", type=int, default=WIDTH)
    parser.add_argument("--height", type=int, default=HEIGHT, help="0: all of the page")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        build(Path(name))
        with served(Path(name)) as address, chromium() as browser:
            url = f"{address}/{arguments.page}"
            take(browser, url, arguments.out, arguments.width, arguments.height)


if __name__ == "__main__":
    main()
