"""Build the site and take the picture of its front page, docs/site_front.png.

    uv run python docs/make_site_front.py [--out FILE] [--page index.html] [--width 1280]

With Debian's chromium, headless.
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

from PIL import Image
from playwright.sync_api import sync_playwright

DOCS = Path(__file__).resolve().parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip


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


def take(page: str, width: int, height: int, out: Path) -> None:
    """Build the site, and take a picture of the top of a page.

    Args:
        page: Its file in the site.
        width: Of the window in pixels.
        height: Of the window in pixels; 0 for all of the page.
        out: PNG to write.
    """
    command = Path(sysconfig.get_path("scripts")) / "mkdocs"
    with tempfile.TemporaryDirectory() as site:
        subprocess.run(
            [command, "build", "--strict", "--quiet", "--site-dir", site],
            cwd=DOCS.parent, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, check=True,
        )  # fmt: skip
        with sync_playwright() as playwright, served(Path(site)) as address:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            view = browser.new_page(viewport={"width": width, "height": height or 900})
            view.goto(f"{address}/{page}", wait_until="networkidle")
            view.screenshot(path=out, full_page=not height)
            browser.close()
    with Image.open(out) as picture:
        picture.convert("RGB").quantize(256).save(out, optimize=True)


def main() -> None:
    """Take the picture that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, default=DOCS / "site_front.png")
    parser.add_argument("--page", default="index.html")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=1000, help="0: all of the page")
    arguments = parser.parse_args()
    take(arguments.page, arguments.width, arguments.height, arguments.out)


if __name__ == "__main__":
    main()
