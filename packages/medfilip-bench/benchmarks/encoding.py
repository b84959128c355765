"""How much of the zero-shot time is encoding, and whether an image is ever encoded twice.

    uv run python packages/medfilip-bench/benchmarks/encoding.py [--images 400] [--size 224]

Times, in one process and with empty caches: a bare loop that embeds the test and validation
phantoms of one set with a ResNet-50 of random weights, and the zero-shot task on the same images
with all that it does beside (texts, metrics, 1,000 bootstrap replicates, baselines). Then every
zero-shot, retrieval, prompt, subgroup, probe and grounding task on phantoms: images encoded over
images needed. Wanted: at most 1.15, and 1.00. The order of the two is turned round in each of
three rounds; the middle ratio is printed.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from medfilip_bench.config import BenchConfig
from medfilip_bench.datasets.twin import draw_now, twin
from medfilip_bench.features import Encoder
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.runner import run_all
from medfilip_bench.setup import prepare
from medfilip_bench.tasks import Bench, zero_shot
from medfilip_model import MedFILIP, TrainConfig, recipes
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.config import ImageTowerConfig
from medfilip_model.progress import Silent

ENCODING = ("zero_shot-*", "retrieval-*", "probe-*", "grounding-*", "prompts-*", "subgroups-*")


def resnet(size: int) -> LoadedModel:
    """A model of the paper's size with random weights."""
    base: TrainConfig = recipes.phantom()
    config = base.model.model_copy(
        update={"size": size, "image": ImageTowerConfig(name="resnet50"), "embed": 768}
    )
    model = MedFILIP(config).eval()
    return LoadedModel("resnet50", "random ResNet-50", model, os.urandom(32).hex(), size, "nothing")


def bare(model: LoadedModel, bench: Bench) -> float:
    """Seconds to embed the images in a plain loop."""
    data = twin("chestxray14", bench.pool, bench.kb)
    rows = [*data.rows("test"), *data.rows("valid")]
    start = time.perf_counter()
    with torch.inference_mode():
        for first in range(0, len(rows), bench.encoder.batch):
            pixels = np.array(data.images.pixels[np.array(rows[first : first + 64])])
            model.model.encode_image(torch.from_numpy(pixels).unsqueeze(1))
    return time.perf_counter() - start


def task(model: LoadedModel, bench: Bench) -> float:
    """Seconds of the zero-shot task, with an empty cache."""
    data = twin("chestxray14", bench.pool, bench.kb)
    with tempfile.TemporaryDirectory() as cache:
        own = Bench(
            **{
                **vars(bench),
                "encoder": Encoder(model, Path(cache)),
                "random": Encoder(bench.random.loaded, Path(cache)),
            }
        )
        start = time.perf_counter()
        zero_shot.run(own, data)
        return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--run", default="runs/phantom", help="a run of medfilip-train")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MEDFILIP_CACHE"] = folder
        model = resnet(options.size)
        config = BenchConfig(model="random", n=options.images, references=(), workers=2)
        bench = prepare(config, Silent())
        bench.pool.size = options.size
        draw_now(twin("chestxray14", bench.pool, bench.kb), ("test", "valid"), bench.pool)
        ratios: list[float] = []
        for turn in range(3):
            pair = (bare, task) if turn % 2 == 0 else (task, bare)
            seconds = {one.__name__: one(model, bench) for one in pair}
            ratios.append(seconds["task"] / seconds["bare"])
            print(f"bare {seconds['bare']:.1f} s, task {seconds['task']:.1f} s")
        images = options.images + options.images // 2
        print(f"zero-shot / bare encoding of {images} images: {statistics.median(ratios):.3f}")
        load_checkpoint(Path(options.run))
        done = run_all(
            BenchConfig(
                model=f"run:{options.run}",
                tasks=tuple(f"{pattern}phantom" for pattern in ENCODING),
                out=Path(folder) / "results",
                references=(),
                workers=2,
            )
        )
        failed = f"; failed: {done.failures}" if done.failures else ""
        ratio = done.encoded / max(done.needed, 1)
        print(f"encoded {done.encoded:,} / needed {done.needed:,} = {ratio:.2f}{failed}")


if __name__ == "__main__":
    main()
