"""How fast the whole training loop steps, against the bare towers on tensors already in memory.

``uv run python packages/medfilip-model/benchmarks/train_step.py`` takes the phantom recipe's towers
on the CPU; ``--cuda`` takes ResNet-50 at 448 px (bf16, channels_last, compiled) and adds a loop as
the method's official code has it, in our words. Blocks of steps of each kind alternate, so that
what else the machine does falls on all alike; the ratio is of the medians of one run.

loop      the package's own: loader, standardisation, targets, loss, clipping, schedule, update
bare      forward, the same loss, backward and update on one batch that is already on the device
official  (CUDA) the loop's work as the published code does it: float32, NCHW, every text encoded
          though it repeats, and the targets' texts encoded by a BERT-base at every step
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from accelerate import Accelerator
from iki_knowledge import load_knowledge
from medfilip_model.config import (
    ImageTowerConfig,
    ModelConfig,
    TargetConfig,
    TextTowerConfig,
    TrainConfig,
)
from medfilip_model.data.collate import Batch
from medfilip_model.data.transforms import resize, standardise
from medfilip_model.loss import attribute_loss, embedding_loss
from medfilip_model.model import MedFILIP
from medfilip_model.optim import make_optimiser
from medfilip_model.prepare import prepare
from medfilip_model.progress import Silent
from medfilip_model.recipes import phantom
from medfilip_model.training.loop import train_step
from medfilip_model.training.moving import Moving, set_up
from medfilip_model.training.run import resolve_precision
from torch.nn import functional

# Dense bfloat16 peaks, FLOP/s, as the makers state them.
PEAKS = {
    "H100": 989e12,
    "H200": 989e12,
    "A100": 312e12,
    "4090": 165e12,
    "3090": 71e12,
    "L4": 121e12,
}
# The paper's own rate: 50,000 images x 100 epochs in about 10 hours on an RTX 3090.
PAPER = 139


def cpu_config(out: Path, images: int) -> TrainConfig:
    """The phantom recipe on fewer phantoms."""
    return phantom().replace(
        out=out, trackers=(), data__train=images, data__valid=1, targets__encoder="lexical"
    )


def cuda_config(out: Path, images: int, batch: int) -> TrainConfig:
    """ResNet-50 at 448 px and CLIP's text transformer, with random weights."""
    return TrainConfig(
        out=out,
        batch=batch,
        precision="bf16",
        compile=True,
        trackers=(),
        data=phantom().data.model_copy(update={"train": images, "valid": 1}),
        model=ModelConfig(
            size=448,
            embed=768,
            image=ImageTowerConfig(name="resnet50"),
            text=TextTowerConfig(width=512, heads=8, layers=12, context=77),
        ),
        targets=TargetConfig(encoder="lexical"),
    )


def looping(moving: Moving) -> Iterator[None]:
    """The package's loop, one step each time."""
    moving.module.train()
    number = 0
    while True:
        for batch in moving.loader.epoch(1 + number // len(moving.loader)):
            train_step(moving, batch, number)
            number += 1
            yield


def bare(moving: Moving) -> Iterator[None]:
    """The same towers and update on one batch in memory, nothing else."""
    batch, device = next(moving.loader.epoch(1)), moving.device
    pixels = standardise(resize(batch.images.to(device), moving.config.model.size))
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    unique, place = batch.text.unique(return_inverse=True)
    tokens = moving.model.tokenizer.trim(moving.targets.tokens[unique]).to(device)
    wanted = moving.targets.of(Batch(pixels, batch.text.to(device), batch.owner.to(device)))
    place = place.to(device)
    known = moving.targets.attributes
    shown = None
    if known is not None:
        shown = known.of(batch.text, batch.owner, len(pixels)).to(device)
    optimiser = moving.optimiser.optimizer
    while True:
        out = moving.module(pixels, tokens)
        loss = embedding_loss(out.images, out.texts[place], out.scale, wanted, moving.config.loss)
        if shown is not None and out.attributes is not None:
            loss = loss + attribute_loss(
                out.images, out.attributes, out.scale, shown, moving.config.loss
            )
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        yield


def official(moving: Moving) -> Iterator[None]:
    """The work of the published loop, in our words; see the head of this file."""
    from transformers import BertConfig, BertModel

    device, config = moving.device, moving.config
    torch.manual_seed(0)
    model = MedFILIP(config.model).to(device, memory_format=torch.contiguous_format)
    optimiser = make_optimiser(model, config.optim)
    encoder = BertModel(BertConfig()).to(device).eval()
    number = 0
    while True:
        number += 1
        for batch in moving.loader.epoch(number):
            pixels = standardise(batch.images.to(device)).contiguous()
            words = moving.targets.tokens[batch.text]
            with torch.no_grad():
                ids = words.clamp(max=encoder.config.vocab_size - 1).to(device)
                mask = (words != moving.model.tokenizer.pad).to(device)
                hidden = encoder(ids, attention_mask=mask).last_hidden_state
                shares = mask[..., None] / mask.sum(1, keepdim=True)[..., None]
                known = functional.normalize((hidden * shares).sum(1), dim=-1)
                owner = batch.owner.to(device)
                same = torch.zeros(len(pixels), len(known), device=device)
                same.index_reduce_(0, owner, known @ known.T, "amax", include_self=False)
            images, texts, scale, _ = model(pixels, words.to(device))
            logits = images @ texts.T * scale
            target = same.clamp(0, 1)
            loss = functional.mse_loss(logits, target)
            loss = loss + functional.binary_cross_entropy_with_logits(logits, target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()
            yield


def timed(
    kinds: dict[str, Iterator[None]],
    steps: int,
    blocks: int,
    wait: Callable[[], None],
    clock: Callable[[], float],
) -> dict[str, float]:
    """Seconds a step of each kind: the median block of several that alternate."""
    seconds: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(blocks + 1):
        for name, steps_of in kinds.items():
            wait()
            start = clock()
            for _ in range(steps):
                next(steps_of)
            wait()
            if turn:  # the first block warms up and compiles
                seconds[name].append((clock() - start) / steps)
    return {name: statistics.median(values) for name, values in seconds.items()}


def flops(moving: Moving) -> float:
    """Floating-point operations of one bare step, counted by torch (a multiply-add is two)."""
    from torch.utils.flop_counter import FlopCounterMode

    torch.manual_seed(0)
    plain = MedFILIP(moving.config.model).to(moving.device)
    batch = next(moving.loader.epoch(1))
    pixels = standardise(batch.images.to(moving.device))
    tokens = moving.model.tokenizer.trim(moving.targets.tokens[batch.text.unique()])
    with FlopCounterMode(display=False) as counter:
        images, texts, _, _ = plain(pixels, tokens.to(moving.device))
        (images @ texts.T).sum().backward()
    return float(counter.get_total_flops())


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuda", action="store_true")
    parser.add_argument("--images", type=int, default=640)
    parser.add_argument("--batch", type=int, default=128, help="with --cuda")
    parser.add_argument("--steps", type=int, default=10, help="of a block")
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument(
        "--clock",
        choices=("wall", "cpu"),
        default="wall",
        help="cpu: this process's CPU time over all threads, for a machine that others use too",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        config = (
            cuda_config(out, asked.images, asked.batch)
            if asked.cuda
            else cpu_config(out, asked.images)
        )
        # Phases would end the schedule before the measurement ends.
        config = config.replace(optim__schedule="constant", epochs=10**6)
        torch.manual_seed(0)
        precision = resolve_precision(config.precision)
        accelerator = Accelerator(
            cpu=not asked.cuda, mixed_precision="no" if precision == "fp32" else precision
        )
        model = MedFILIP(config.model)
        data = prepare(config, load_knowledge(), Silent())
        moving = set_up(config, model, data, accelerator)
        kinds = {"loop": looping(moving), "bare": bare(moving)}
        if asked.cuda:
            kinds["official"] = official(moving)
        wait = torch.cuda.synchronize if asked.cuda else lambda: None
        clock = time.process_time if asked.clock == "cpu" else time.perf_counter
        seconds = timed(kinds, asked.steps, asked.blocks, wait, clock)
        rates = {name: config.batch / value for name, value in seconds.items()}
        report: dict[str, object] = {
            "machine": torch.cuda.get_device_name() if asked.cuda else platform.machine(),
            "threads": torch.get_num_threads(),
            "clock": asked.clock,
            "precision": precision,
            "batch": config.batch,
            "images_per_second": {name: round(rate, 1) for name, rate in rates.items()},
            "loop_to_bare": round(rates["loop"] / rates["bare"], 3),
            "required": 0.85,
        }
        if asked.cuda:
            work = flops(moving)
            name = torch.cuda.get_device_name()
            peak = next((p for known, p in PEAKS.items() if known in name), None)
            report["tflops"] = round(work / seconds["loop"] / 1e12, 1)
            report["share_of_peak"] = None if peak is None else work / seconds["loop"] / peak
            report["loop_to_official"] = round(rates["loop"] / rates["official"], 2)
            report["paper_images_per_second"] = PAPER
        moving.loader.close()
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
