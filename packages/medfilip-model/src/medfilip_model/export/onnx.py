"""ONNX: one file for each encoder, any number of images or texts, checked by onnxruntime."""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from medfilip_model.checkpoint import Checkpoint
from medfilip_model.checkpoint.files import to_json
from medfilip_model.export.description import describe
from medfilip_model.export.encoders import Program, programs
from medfilip_model.export.quiet import quiet
from medfilip_model.export.result import Check, ExportError, compare
from medfilip_model.export.tokenizer import write_tokenizer

_PACKAGES = ("onnx", "onnxruntime", "onnxscript")
# protobuf's limit is 2 GiB; larger weights go into a file beside the graph.
_ONE_FILE = 1 << 30


def write_onnx(folder: Path, checkpoint: Checkpoint) -> tuple[Check, ...]:
    """Write image.onnx, text.onnx, tokenizer.json and model.json.

    Args:
        folder: An empty folder.
        checkpoint: The model, on the CPU.

    Returns:
        How far each encoder is from torch when onnxruntime runs it.

    Raises:
        ExportError: If a package is missing, an encoder cannot be exported, or computes otherwise.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise ExportError(
            f"--to onnx needs {', '.join(missing)}: uv pip install 'medfilip-model[onnx]'"
        )
    write_tokenizer(folder, checkpoint.model)
    checks = tuple(_write(folder, program) for program in programs(checkpoint.model))
    (folder / "model.json").write_bytes(to_json(describe(checkpoint)))
    return checks


def _write(folder: Path, program: Program) -> Check:
    path = folder / f"{program.name}.onnx"
    weights = sum(p.numel() * p.element_size() for p in program.module.parameters())
    try:
        with quiet("onnxscript"):
            torch.onnx.export(
                program.module,
                (program.probes[0],),
                str(path),
                input_names=[program.input],
                output_names=[program.output],
                dynamic_shapes={program.input: dict(program.free)},
                dynamo=True,
                external_data=weights > _ONE_FILE,
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        line = next((line for line in str(error).splitlines() if line.strip()), "")
        raise ExportError(
            f"the {program.name} encoder cannot be written as ONNX: {line}"
        ) from error
    return compare(f"{program.name}.onnx", program.expected(), _run(path, program))


def _run(path: Path, program: Program) -> list[torch.Tensor]:
    import onnxruntime

    runtime: Any = onnxruntime
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return [
        torch.from_numpy(session.run([program.output], {program.input: probe.numpy()})[0])
        for probe in program.probes
    ]
