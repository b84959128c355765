"""Speed of the phantom generator, and how far raw pixels alone tell its classes.

    uv run python packages/medfilip-model/benchmarks/phantom.py [--sheet FILE.png]

Prints images/s on one core and the AUC of a logistic regression on 32 x 32 pixels: near 0.5 means
that a class cannot be read from where an image is bright; fewer images (``--count``, ``--train``,
``--test``) tell less. ``--sheet`` draws one phantom for each class and severity instead.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from medfilip_model.phantom import (
    INCIDENTAL_CATEGORIES,
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    Phantom,
    PhantomConfig,
    contact_sheet,
    generate,
    one_of_each,
    phantom_images,
    plan_phantom,
)
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler


def speed(count: int, sizes: tuple[int, ...] = (64, 128, 256, 512)) -> None:
    """Images a second of one process, best of three rounds, wall and processor time."""
    print(f"{'pixels':>7} {'images/s':>9} {'images/cpu-s':>13}")
    for size in sizes:
        config = PhantomConfig(size=size)
        generate(config, 0)
        rounds: list[tuple[float, float]] = []
        number = max(8, count * 128 * 128 // max(size, 128) ** 2)
        for start in range(0, 3 * number, number):
            wall, cpu = time.perf_counter(), time.process_time()
            for index in range(start, start + number):
                generate(config, index)
            rounds.append(
                (number / (time.perf_counter() - wall), number / (time.process_time() - cpu))
            )
        print(f"{size:>7} {max(r[0] for r in rounds):>9.0f} {max(r[1] for r in rounds):>13.0f}")


def raw_pixels(train: int, test: int) -> None:
    """AUC of a linear model on 32 x 32 pixels, for each class."""
    config = PhantomConfig(size=64, seed=11)
    indices = range(train + test)
    images = phantom_images(config, indices, cache_dir=None)
    pixels = images.reshape(-1, 32, 2, 32, 2).mean(axis=(2, 4)).reshape(len(images), -1)
    names = [{f.category for f in plan_phantom(config, index).findings} for index in indices]
    scaled = StandardScaler().fit_transform(pixels)
    scores: list[float] = []
    print(f"\n{'class':<18} {'share':>6} {'raw-pixel AUC':>14}")
    for category in SEEN_CATEGORIES:
        truth = np.array([category in shown for shown in names])
        model = LogisticRegression(C=1e-3, max_iter=500).fit(scaled[:train], truth[:train])
        scores.append(float(roc_auc_score(truth[train:], model.decision_function(scaled[train:]))))
        print(f"{category:<18} {truth.mean():>6.3f} {scores[-1]:>14.3f}")
    print(f"{'macro':<18} {'':>6} {np.mean(scores):>14.3f}")


def sheet(path: Path, seed: int) -> None:
    """One phantom for each class and severity, unseen classes last, then old scars and devices."""
    config = PhantomConfig(
        size=384,
        seed=seed,
        classes=SEEN_CATEGORIES + UNSEEN_CATEGORIES,
        incidental_share=0.0,
        max_findings=1,
        normal_share=0.0,
        trend_share=0.0,
    )
    normal = config.model_copy(update={"normal_share": 1.0})
    phantoms = [generate(normal, index) for index in range(4)] + one_of_each(config)
    phantoms += incidental(normal.model_copy(update={"incidental_share": 1.0}))
    tiles = contact_sheet(phantoms, columns=6, tile=192)
    # Few greys keep the file small.
    tiles.quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path}: {tiles.size[0]} x {tiles.size[1]}, {path.stat().st_size / 1000:.0f} kB")


def incidental(config: PhantomConfig) -> list[Phantom]:
    """One phantom without a class for each old scar and device."""
    found: dict[str, int] = {}
    for index in range(2_000):
        findings = plan_phantom(config, index).findings
        if len(findings) == 1:
            found.setdefault(findings[0].category, index)
    return [generate(config, found[name]) for name in INCIDENTAL_CATEGORIES]


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="images a round of the speed")
    parser.add_argument("--train", type=int, default=2400, help="images that classes are told from")
    parser.add_argument("--test", type=int, default=800, help="images that they are told in")
    parser.add_argument("--sheet", type=Path, help="draw the classes instead of measuring")
    parser.add_argument("--seed", type=int, default=0, help="seed of the sheet")
    arguments = parser.parse_args()
    if arguments.sheet:
        sheet(arguments.sheet, arguments.seed)
        return
    speed(arguments.count)
    raw_pixels(arguments.train, arguments.test)


if __name__ == "__main__":
    main()
