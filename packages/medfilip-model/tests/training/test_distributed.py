"""Two gloo processes against one: the same run, whole and sharded, and the parts it is made of."""

import json
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import safetensors.torch
import torch
from medfilip_model.config import ModelConfig, TrainConfig
from medfilip_model.model import MedFILIP
from medfilip_model.training import train
from medfilip_model.training.forward import TrainingPass

WORKER = Path(__file__).with_name("ranks.py")
# What differs between the runs of the two processes; each equals one process with the same changes.
CASES = {
    "plain": {},
    "parts": {"micro_batch": 3, "loss__attributes": 0.5},
    "fusion": {"model__fusion": {"width": 16, "heads": 2, "layers": 1, "dropout": 0.0}},
    "infonce": {"loss__name": "infonce", "targets__kind": "identity", "optim__ema": 0.5},
}
# The same by accelerate's FSDP2; the first is cut off and goes on.
SHARDED = {
    # Fewer texts than parts, and not as many on each process.
    "sharded parts": {"micro_batch": 2, "loss__attributes": 0.5},
    "sharded fusion": {"model__fusion": {"width": 16, "heads": 2, "layers": 1, "dropout": 0.0}},
}


@dataclass(frozen=True)
class Two:
    out: Path
    ranks: tuple[dict, dict]
    configs: dict[str, TrainConfig]
    model: ModelConfig
    inputs: dict[str, torch.Tensor]


def sized(config: TrainConfig, out: Path) -> TrainConfig:
    # No Adam: where a gradient is nearly nothing it takes the sign of the rounding.
    return config.replace(
        out=out,
        epochs=1,
        trackers=(),
        optim__name="sgd",
        optim__momentum=0.9,
        optim__lr=0.05,
        optim__clip=0.5,
        optim__schedule="constant",
    )


@pytest.fixture(scope="module")
def two(folder: Path, layered_model_config: ModelConfig, tmp_path_factory) -> Two:
    from medfilip_model.config import DataConfig, TargetConfig

    out = tmp_path_factory.mktemp("two")
    base = TrainConfig(
        batch=16,
        precision="fp32",
        data=DataConfig(folder=folder),
        model=layered_model_config,
        targets=TargetConfig(encoder="lexical"),
    )
    cases = {**CASES, **SHARDED}
    configs = {n: sized(base.replace(**changes), out / n) for n, changes in cases.items()}
    generator = torch.Generator().manual_seed(1)
    tokens = torch.randint(1, 400, (6, 7), generator=generator)
    tokens[:, -1] = 49407
    inputs = {"pixels": torch.randn((8, 1, 32, 32), generator=generator), "tokens": tokens}
    safetensors.torch.save_file(inputs, out / "inputs.safetensors")
    spec = {
        "out": str(out),
        "whole": [configs[name].model_dump(mode="json") for name in CASES],
        "sharded": [configs[name].model_dump(mode="json") for name in SHARDED],
        "model": layered_model_config.model_dump(mode="json"),
        "inputs": str(out / "inputs.safetensors"),
    }
    (out / "spec.json").write_text(json.dumps(spec))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "MEDFILIP_CACHE": str(out / "cache"),
    }
    # A group of its own, so that neither outlives a failure of the other or of this test.
    with subprocess.Popen(
        [sys.executable, str(WORKER), str(out / "spec.json")],
        env=shared,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as both:
        try:
            errors = both.communicate(timeout=240)[1]
        finally:
            if both.poll() is None:
                os.killpg(both.pid, signal.SIGKILL)
    assert both.returncode == 0, errors
    ranks = tuple(json.loads((out / f"rank{rank}.json").read_text()) for rank in range(2))
    return Two(out, ranks, configs, layered_model_config, inputs)


@pytest.mark.parametrize("case", [*CASES, *SHARDED])
def test_two_processes_train_as_one(two: Two, case: str, tmp_path: Path, weights):
    config = two.configs[case]
    result = train(config.replace(out=tmp_path / "one"))
    one, both = weights(tmp_path / "one"), weights(config.out)
    assert one.keys() == both.keys()
    moved = 0.0
    fresh = MedFILIP(config.model).state_dict()
    for name, value in one.items():
        torch.testing.assert_close(both[name], value, rtol=1e-5, atol=1e-5)
        moved = max(moved, (value - fresh[name]).abs().max().item())
    assert moved > 1e-3
    rows = [json.loads(line) for line in (config.out / "metrics.jsonl").read_text().splitlines()]
    assert rows[0]["loss"] == pytest.approx(result.epochs[0].loss, rel=1e-5)
    assert rows[0]["macro_auc"] == pytest.approx(result.macro_auc, abs=0.02)


def test_rows_are_gathered_with_the_gradient_on_the_own_ones(two: Two):
    assert [rank["gathered"]["whole"] for rank in two.ranks] == [[1, 1, 1, 2]] * 2
    assert two.ranks[0]["gathered"]["grad"] == [0, 1, 2]
    assert two.ranks[1]["gathered"]["grad"] == [3]
    assert [rank["gathered"]["none"] for rank in two.ranks] == [2, 2]


def test_a_sharded_model_takes_the_step_of_a_whole_one(two: Two):
    """FSDP2 over gloo, in parts, against the plain gradient of one process."""
    torch.manual_seed(0)
    module = TrainingPass(MedFILIP(two.model), None)
    out = module(two.inputs["pixels"], two.inputs["tokens"])
    loss = ((out.images @ out.texts.T) * out.scale).softmax(0).square().sum()
    loss.backward()
    torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9).step()
    both = safetensors.torch.load_file(two.out / "sharded.safetensors")
    for name, value in module.state_dict().items():
        torch.testing.assert_close(both[name], value, rtol=1e-5, atol=1e-5)
    assert two.ranks[0]["loss"] == two.ranks[1]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert two.ranks[0]["moments"] == len(list(module.parameters()))
