"""TorchScript: traced encoders, which torch loads without this package, in Python or C++."""

import warnings
from pathlib import Path
from typing import Any

import torch

from medfilip_model.checkpoint import Checkpoint
from medfilip_model.checkpoint.files import to_json
from medfilip_model.export.description import describe
from medfilip_model.export.encoders import Program, programs
from medfilip_model.export.result import Check, compare
from medfilip_model.export.tokenizer import write_tokenizer


def write_torchscript(folder: Path, checkpoint: Checkpoint) -> tuple[Check, ...]:
    """Write image.pt, text.pt, tokenizer.json and model.json.

    Args:
        folder: An empty folder.
        checkpoint: The model, on the CPU.

    Returns:
        How far each encoder, loaded again, is from the model.

    Raises:
        ExportError: If one computes something else, at other lengths than the traced one too.
    """
    write_tokenizer(folder, checkpoint.model)
    checks = tuple(_write(folder, program) for program in programs(checkpoint.model))
    (folder / "model.json").write_bytes(to_json(describe(checkpoint)))
    return checks


@torch.no_grad()
def _write(folder: Path, program: Program) -> Check:
    path = folder / f"{program.name}.pt"
    with warnings.catch_warnings():
        # torch would rather have torch.export, whose programs need the torch that wrote them; and
        # the tracer warns of every Python branch: the probes of other lengths are what tells.
        warnings.simplefilter("ignore")
        traced: Any = torch.jit.trace(program.module, (program.probes[0],), check_trace=False)
        traced.save(str(path))
        loaded: Any = torch.jit.load(str(path))
        found = [loaded(probe) for probe in program.probes]
    return compare(f"{program.name}.pt", program.expected(), found)
