"""Speed and memory of `medfilip prepare`: images a second of one core, and a worker's memory.

    uv run python packages/medfilip-model/benchmarks/prepare.py [--images 240] [--side 2048]

Phantoms with film noise are enlarged to `--side` and saved as JPEG of quality 95, as
MIMIC-CXR-JPG is; then they are decoded, resized to 448 px and encoded by one process. Required:
60 images a second and at most 1 GB. The parts are timed alone too, and the largest image that is
accepted is read once for the memory of the worst case.
"""

import argparse
import os
import platform
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import multiprocessing
import resource

import numpy as np
from medfilip_model.builders.encode import encode_image, encode_items
from medfilip_model.builders.items import Item, file_state
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import FileOrigin
from medfilip_model.data.decode import MAX_PIXELS, read_grey, square
from medfilip_model.data.samples import Sample
from medfilip_model.phantom import PhantomConfig, generate
from PIL import Image

_DISTINCT = 8


def write_films(folder: Path, side: int, noise: float = 4.0) -> list[Path]:
    """Save a few phantoms as grey JPEG of `side` pixels; noise in grey values of 255."""
    rng = np.random.default_rng(0)
    files: list[Path] = []
    for index in range(_DISTINCT):
        drawn = generate(PhantomConfig(size=512), index).image
        large = Image.fromarray((drawn * 255).astype(np.uint8)).resize((side, side))
        noisy = np.asarray(large, np.float32) + rng.normal(0, noise, (side, side))
        files.append(folder / f"film-{index}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(files[-1], quality=95)
    return files


def items_of(folder: Path, files: list[Path], count: int) -> list[Item]:
    """Items that take the files in turn."""
    return [
        Item(
            Sample(f"i{n}", f"p{n}", "train", ()),
            files[n % len(files)].name,
            file_state(folder, files[n % len(files)].name),
        )
        for n in range(count)
    ]


def measure(folder: Path, items: list[Item], answer: multiprocessing.SimpleQueue) -> None:
    """Prepare all images in this process; send seconds, processor seconds and peak memory."""
    origin, options = FileOrigin(folder), BuildOptions()
    encode_items(origin, options, items[:_DISTINCT])
    wall, cpu = time.perf_counter(), time.process_time()
    for start in range(0, len(items), 16):
        encode_items(origin, options, items[start : start + 16])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    answer.put((wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def in_a_process(folder: Path, items: list[Item]) -> tuple[float, float, float]:
    """Run `measure` in a fresh process, as a worker is."""
    context = multiprocessing.get_context("spawn")
    answer = context.SimpleQueue()
    process = context.Process(target=measure, args=(folder, items, answer))
    process.start()
    result = answer.get()
    process.join()
    return result


def parts(files: list[Path]) -> dict[str, float]:
    """Milliseconds of each step, best of several images."""
    options = BuildOptions()
    best = dict.fromkeys(("decode", "resize", "encode", "decode without DCT scaling"), 1e9)
    for file in files * 3:
        moments = [time.process_time()]
        image, _ = read_grey(file, options.size)
        moments.append(time.process_time())
        small = square(image, options.size)
        moments.append(time.process_time())
        encode_image(small, options)
        moments.append(time.process_time())
        with Image.open(file) as whole:
            whole.convert("L")
        moments.append(time.process_time())
        for name, start, end in zip(best, moments, moments[1:], strict=False):
            best[name] = min(best[name], (end - start) * 1000)
    return best


def main() -> None:
    """Parse the command line, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=240, help="images a round")
    parser.add_argument("--side", type=int, default=2048, help="side of the JPEGs in pixels")
    parser.add_argument("--rounds", type=int, default=3, help="the best one counts")
    parser.add_argument("--noise", type=float, default=4.0, help="deviation of the film noise")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = write_films(folder, arguments.side, arguments.noise)
        size = sum(file.stat().st_size for file in files) / len(files) / 1e6
        print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
        bits = size * 8e6 / arguments.side**2
        print(
            f"{arguments.side} px JPEG of quality 95, {size:.2f} MB each "
            f"({bits:.1f} bits a pixel), to 448 px"
        )
        for step, milliseconds in parts(files).items():
            print(f"  {step:28} {milliseconds:6.1f} ms")
        rounds = [
            in_a_process(folder, items_of(folder, files, arguments.images))
            for _ in range(arguments.rounds)
        ]
        wall, cpu = (arguments.images / min(one[n] for one in rounds) for n in (0, 1))
        print(f"one process: {wall:.0f} images/s by the clock, {cpu:.0f} a core's second")
        print(f"peak memory of the process: {max(one[2] for one in rounds):.0f} MB")
        side = int(MAX_PIXELS**0.5)
        Image.new("RGB", (side, side)).save(folder / "largest.png", compress_level=1)
        _, _, memory = in_a_process(folder, items_of(folder, [folder / "largest.png"], 2))
        print(f"peak memory with a {side} px colour PNG, the largest accepted: {memory:.0f} MB")


if __name__ == "__main__":
    main()
