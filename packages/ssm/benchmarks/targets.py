"""What the targets of a batch cost: ours, bare torch, and the ways that they replace. One run.

Run: uv run python packages/ssm/benchmarks/targets.py
"""

import argparse
import platform
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from random_bert import CREATURES, Encoder, captions
from ssm import LabelBank, normalise
from torch import Tensor
from transformers import BertConfig


@dataclass(frozen=True)
class Batch:
    """Texts of a batch, with the row, the image and the category of each."""

    texts: list[str]
    categories: list[str]
    index: Tensor
    owner: Tensor
    group: Tensor
    n: int


def segment_max(block: Tensor, owner: Tensor, n: int) -> Tensor:
    """Eq. 5 on a ready K."""
    zeros = block.new_zeros(n, block.shape[1])
    return zeros.scatter_reduce(0, owner[:, None].expand_as(block), block, "amax").clamp(max=1)


def bare(vectors: Tensor, batch: Batch) -> Tensor:
    """The arithmetic alone: gather, matmul, segment max, with no check."""
    rows = vectors[batch.index]
    return segment_max(rows @ rows.T, batch.owner, batch.n)


def each_step(encoder: Encoder, batch: Batch) -> Tensor:
    """As the official code: encode the batch's texts at every step, then eq. 4-5."""
    rows = encoder(batch.texts)
    return segment_max(rows @ rows.T, batch.owner, batch.n)


def category_mask(categories: list[str]) -> Tensor:
    """The same-category mask as the official code makes it: text by text, in Python."""
    mask = torch.zeros(len(categories), len(categories))
    for i, first in enumerate(categories):
        for j, second in enumerate(categories):
            if first == second:
                mask[i, j] = 1
    return mask


def loop(vectors: Tensor, batch: Batch) -> Tensor:
    """Eq. 4-5 as one would write them down, over every pair of texts."""
    rows = vectors[batch.index]
    similarity = (rows @ rows.T).tolist()
    count = len(batch.texts)
    targets = [[0.0] * count for _ in range(batch.n)]
    for k, image in enumerate(batch.owner.tolist()):
        for j in range(count):
            targets[image][j] = min(1.0, max(targets[image][j], similarity[k][j]))
    return torch.tensor(targets)


def medians(
    fast: dict[str, Callable[[], object]],
    slow: dict[str, Callable[[], object]],
    *,
    repeats: int,
    device: str,
) -> dict[str, float]:
    """Median ms of each call, taken in turns, so that a busy machine is busy for all of them."""
    times: dict[str, list[float]] = {name: [] for name in (*fast, *slow)}
    for turn in range(repeats):
        seldom = slow if turn % max(1, repeats // 5) == 0 else {}  # Five times will do.
        for name, call in (fast | seldom).items():
            if device != "cpu":
                torch.cuda.synchronize()
            start = time.perf_counter()
            call()
            if device != "cpu":
                torch.cuda.synchronize()
            times[name].append(1000 * (time.perf_counter() - start))
    return {name: sorted(values)[len(values) // 2] for name, values in times.items()}


def make_batch(known: dict[str, str], images: int, labels: int, rng: random.Random) -> Batch:
    """Texts drawn at random, each image with at least one as far as they go."""
    texts = rng.choices(list(known), k=labels)
    places = {text: place for place, text in enumerate(known)}
    categories = [known[text] for text in texts]
    owner = [*range(min(images, labels)), *rng.choices(range(images), k=max(0, labels - images))]
    return Batch(
        texts=texts,
        categories=categories,
        index=torch.tensor([places[text] for text in texts]),
        owner=torch.tensor(owner),
        group=torch.tensor([CREATURES.index(category) for category in categories]),
        n=images,
    )


def first_table(options: argparse.Namespace, known: dict[str, str], rng: random.Random) -> None:
    """One batch, everything that its targets can cost."""
    device = options.device
    batch = make_batch(known, options.images, options.labels, rng)
    config = BertConfig()
    if options.layers:
        config = BertConfig(
            num_hidden_layers=options.layers, hidden_size=options.hidden, intermediate_size=64
        )
    encoder = Encoder(list(known), config, device)
    # Of the other texts only the number matters here: random vectors save minutes of encoding.
    vectors = normalise(torch.randn(len(known), config.hidden_size)).to(device)
    vectors[batch.index] = encoder(batch.texts)
    bank = LabelBank(tuple(known), vectors, "random BERT", "benchmark").to(device)
    there = replace(batch, index=batch.index.to(device), owner=batch.owner.to(device))
    mask = category_mask(batch.categories).to(device)
    masked = segment_max(vectors[there.index] @ vectors[there.index].T * mask, there.owner, batch.n)
    call = partial(bank.targets, batch.index, batch.owner, n_owners=batch.n)
    for found, expected in (
        (call(), each_step(encoder, there)),
        (call(), loop(vectors, batch).to(device)),
        (call(group=batch.group), masked),
    ):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    fast = {
        "bare gather + matmul + segment max": partial(bare, vectors, there),
        "`bank.targets`": call,
        "`bank.targets(group=…)`": partial(call, group=batch.group),
    }
    slow = {
        "encode the batch's texts each step, then eq. 4-5": partial(each_step, encoder, there),
        "same-category mask by a Python loop (the mask alone)": partial(
            category_mask, batch.categories
        ),
        "readable loop of eq. 4-5 on a ready K": partial(loop, vectors, batch),
    }
    ms = medians(fast, slow, repeats=options.repeats, device=device)
    ours = ms["`bank.targets`"]
    lengths = [len(ids) for ids in encoder.tokenizer(batch.texts)["input_ids"]]
    size = sum(weight.numel() for weight in encoder.model.parameters()) / 1e6
    print(
        f"{batch.n} images, {len(batch.texts)} labels of {min(lengths)} to {max(lengths)} tokens, "
        f"{len(known)} unique texts, encoder of {size:.0f} M weights, {config.hidden_size} numbers "
        "a vector.\n"
    )
    print("| a batch's targets by | ms | × ours |\n|---|---:|---:|")
    for name, value in ms.items():
        print(f"| {name} | {value:,.3f} | {value / ours:,.2f} |")
    encoding, least = ms[next(iter(slow))] / ours, ours / ms[next(iter(fast))]
    met = "met" if encoding >= 1000 and least <= 2 else "missed"
    print(
        f"\nEncoding each step / ours: {encoding:,.0f} (wanted: at least 1,000). "
        f"Ours / bare: {least:.2f} (wanted: at most 2). {met}.\n"
    )


def second_table(options: argparse.Namespace, known: dict[str, str], rng: random.Random) -> None:
    """Larger batches and the other pools, without an encoder."""
    device = options.device
    vectors = normalise(torch.randn(len(known), options.hidden)).to(device)
    bank = LabelBank(tuple(known), vectors, "random", "benchmark")
    print("| images | labels | bare ms | max | max, group | mean | softmax | max / bare |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|")
    for n, m in options.larger:
        batch = make_batch(known, n, m, rng)
        there = replace(batch, index=batch.index.to(device), owner=batch.owner.to(device))
        call = partial(bank.targets, batch.index, batch.owner, n_owners=n)
        calls = {
            "bare": partial(bare, vectors, there),
            "max": call,
            "group": partial(call, group=batch.group),
            "mean": partial(call, pool="mean"),
            "softmax": partial(call, pool="softmax"),
        }
        ms = medians(calls, {}, repeats=max(3, options.repeats // 4), device=device)
        cells = " | ".join(f"{value:,.3f}" for value in ms.values())
        print(f"| {n} | {m} | {cells} | {ms['max'] / ms['bare']:.2f} |")


def sizes(text: str) -> tuple[int, int]:
    """``256x800`` is 256 images with 800 labels in all."""
    n, _, m = text.partition("x")
    return int(n), int(m)


def main() -> None:
    """Print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--labels", type=int, default=100)
    parser.add_argument("--unique", type=int, default=5000)
    parser.add_argument("--larger", type=sizes, nargs="*", default=[(256, 800)])
    parser.add_argument("--layers", type=int, default=0, help="0 is BERT-base")
    parser.add_argument("--hidden", type=int, default=768)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rng = random.Random(0)
    known = captions(options.unique, rng)
    where = torch.cuda.get_device_name() if options.device != "cpu" else platform.machine()
    print(
        f"torch {torch.__version__} on {options.device} ({where}), {options.threads} CPU "
        f"thread(s); medians of {options.repeats} rounds in which all take turns.\n"
    )
    first_table(options, known, rng)
    second_table(options, known, rng)


if __name__ == "__main__":
    main()
