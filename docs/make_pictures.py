"""Draw the pictures of the documentation, all of phantoms.

    uv run python docs/make_pictures.py --run RUN [--out FOLDER]

RUN is what the tutorial trains, ``runs/phantom``. Written are ``phantom_contact_sheet.png`` (every
class and severity), and in ``pictures/`` twelve of them, ``phantoms.png``, and what the tutorial's
own commands draw: ``tutorial_phantoms.png``, ``tutorial_where.png``, ``tutorial_check.png``.
``tests/docs`` draws the phantoms too and compares them with what is there, and takes the
tutorial's pictures where it follows the tutorial.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from medfilip_model.phantom import (
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    Phantom,
    PhantomConfig,
    contact_sheet,
    generate,
    one_of_each,
    plan_phantom,
)
from medfilip_model.phantom.kinds import DEVICES, OLD_SCARS
from PIL import Image
from run_page import steps

DOCS = Path(__file__).resolve().parent
SCRIPTS = Path(sysconfig.get_path("scripts"))
# Commands of the tutorial that draw something.
_DRAWING = ("medfilip phantom ", "--heatmap ")
# What those write, and the picture that the page shows of it.
SHOWN = {
    "phantoms/contact_sheet.png": "tutorial_phantoms.png",
    "where.png": "tutorial_where.png",
    "check.png": "tutorial_check.png",
}


SIZE = 384
FRONT = {
    "pleural_effusion": "moderate", "pneumothorax": "large", "cardiomegaly": "severe",
    "consolidation": "severe", "mass": "large", "pulmonary_edema": "severe",
    "nodule": "large", "atelectasis": "mild", "hernia": "large", "pneumonia": "severe",
    "emphysema": "severe", "pleural_thickening": "severe",
}  # fmt: skip


def every_kind() -> list[Phantom]:
    """One phantom of each class and severity, weakest first, and one of each scar and device."""
    config = PhantomConfig(size=SIZE, classes=(*SEEN_CATEGORIES, *UNSEEN_CATEGORIES))
    others = sorted(OLD_SCARS) + sorted(DEVICES)
    plain: dict[str, int] = {}
    for index in range(20_000):
        findings = plan_phantom(PhantomConfig(size=SIZE), index).findings
        name = findings[0].category if findings else ""
        if len(findings) < 2 and name in ("", *others):
            plain.setdefault(name, index)
        if len(plain) == len(others) + 1:
            break
    drawn = [generate(PhantomConfig(size=SIZE), plain[name]) for name in ("", *others)]
    return [drawn[0], *one_of_each(config), *drawn[1:]]


def front(phantoms: list[Phantom]) -> list[Phantom]:
    """The twelve that `FRONT` names."""
    found = {
        (phantom.findings[0].category, phantom.findings[0].severity): phantom
        for phantom in phantoms
        if phantom.findings
    }
    return [found[key] for key in FRONT.items()]


def draw_phantoms(out: Path) -> list[Path]:
    """Draw the pictures that need no run.

    Args:
        out: Where ``phantom_contact_sheet.png`` and ``pictures/`` are written.

    Returns:
        The files written.
    """
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    phantoms = every_kind()
    written = [out / "phantom_contact_sheet.png", out / "pictures" / "phantoms.png"]
    for shown, path in zip((phantoms, front(phantoms)), written, strict=True):
        _save(contact_sheet(shown, columns=6, tile=192), path)
    return written


def take_over(followed: Path, out: Path) -> list[Path]:
    """Copy what the tutorial's commands drew.

    Args:
        followed: The folder in which they ran.
        out: Where ``pictures/`` is written.

    Returns:
        The files written.
    """
    (out / "pictures").mkdir(parents=True, exist_ok=True)
    written = [out / "pictures" / target for target in SHOWN.values()]
    for source, target in zip(SHOWN, written, strict=True):
        shutil.copyfile(followed / source, target)
    return written


def draw_tutorial(run: Path, out: Path) -> list[Path]:
    """Run those commands of the tutorial that draw something.

    Args:
        run: A run folder with a calibration, absolute.
        out: As of `take_over`, absolute.

    Returns:
        The files written.
    """
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        Path("runs").mkdir()
        Path("runs/phantom").symlink_to(run)
        for step in steps((DOCS / "tutorial.md").read_text("utf-8")):
            if step.kind == "file":
                Path(step.name).write_text(step.text, encoding="utf-8")
            elif step.kind == "command" and any(word in step.text for word in _DRAWING):
                words = step.text.removeprefix("uv run ").split()
                subprocess.run(
                    [SCRIPTS / words[0], *words[1:]], check=True, stdout=subprocess.DEVNULL,
                    env={**os.environ, "NO_COLOR": "1"},
                )  # fmt: skip
        return take_over(Path(name), out)


def _save(image: Image.Image, path: Path) -> None:
    """In 64 greys, which a page loads faster."""
    few = image.convert("L").quantize(64, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def main() -> None:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="a run folder")
    parser.add_argument("--out", type=Path, default=DOCS, help="in place of docs/")
    arguments = parser.parse_args()
    run, out = arguments.run.resolve(), arguments.out.resolve()
    for path in (*draw_phantoms(out), *draw_tutorial(run, out)):
        sys.stdout.write(f"{path.name} ({path.stat().st_size // 1024} kB)\n")


if __name__ == "__main__":
    main()
