"""What a bank costs: building, building again, looking up, loading, adding. A Markdown table.

Run: uv run python packages/ssm/benchmarks/bank.py [--encoder minilm] [--texts 100000]
"""

import argparse
import collections
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from ssm import LabelBank, TextEncoder, load_encoder, normalise

REPEATS = 5  # 100,000 texts, of which 20,000 are unique.
LOOK_UPS = 1_000_000
ADDED = 1000


class Counting:
    """An encoder that counts how often it is given each text; by default it only makes noise."""

    def __init__(self, inner: TextEncoder | None, dim: int = 384) -> None:
        self.inner = inner
        self.name = inner.name if inner else "noise"
        self.dim = inner.dim if inner else dim
        self.fingerprint = inner.fingerprint if inner else f"noise-{dim}"
        self.calls: collections.Counter[str] = collections.Counter()

    def encode(
        self, texts: Sequence[str], *, batch_size: int = 64, progress: bool = False
    ) -> torch.Tensor:
        """Count, then encode."""
        self.calls.update(texts)
        if self.inner is not None:
            return self.inner.encode(texts, batch_size=batch_size, progress=progress)
        generator = torch.Generator().manual_seed(len(self.calls))
        return normalise(torch.randn(len(texts), self.dim, generator=generator))


def measure(encoder: Counting, texts: list[str], cache: Path) -> list[tuple[str, str]]:
    """Rows of the table: what was done, how long it took."""
    rows: list[tuple[str, str]] = []
    start = time.perf_counter()

    def lap(what: str) -> None:
        nonlocal start
        rows.append((what, f"{time.perf_counter() - start:.3f} s"))
        start = time.perf_counter()

    bank = LabelBank.build(texts, encoder, cache, progress=True)
    lap(f"first build, {len(texts):,} texts, {len(bank):,} unique")
    counts = encoder.calls.values()
    rows.append(("encodes of a unique text, lowest and highest", f"{min(counts)}, {max(counts)}"))
    start = time.perf_counter()
    again = LabelBank.build(texts, encoder, cache)
    lap("second build")
    # New strings, not those of the bank, as they come from a file.
    some = [f"{texts[n % len(texts)]} "[:-1] for n in range(LOOK_UPS)]
    start = time.perf_counter()
    again.index(some)
    lap(f"{LOOK_UPS:,} look-ups, the first ones of the bank")
    again.index(some)
    lap(f"{LOOK_UPS:,} look-ups")
    bank.save(cache / "saved")
    start = time.perf_counter()
    LabelBank.load(cache / "saved")
    lap("loading a saved bank, all sha256 checked")
    LabelBank.build([f"added {n}" for n in range(ADDED)], encoder, cache)
    lap(f"adding {ADDED:,} texts")
    LabelBank.build(texts, encoder, cache)
    lap("third build")
    rows.append(("encodes of a unique text after all", f"{max(encoder.calls.values())}"))
    return rows


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", help="name for load_encoder; by default noise, which is free")
    parser.add_argument("--texts", type=int, default=100_000)
    options = parser.parse_args()
    encoder = Counting(load_encoder(options.encoder) if options.encoder else None)
    unique = [f"image text number {n}" for n in range(options.texts // REPEATS)]
    with tempfile.TemporaryDirectory() as cache:
        rows = measure(encoder, unique * REPEATS, Path(cache))
    print(f"Encoder {encoder.name}, {encoder.dim} dimensions.\n")
    print("| | measured |\n|---|---:|")
    for what, value in rows:
        print(f"| {what} | {value} |")


if __name__ == "__main__":
    main()
