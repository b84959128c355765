"""Two processes that train together: ``python ranks.py SPEC.json``, with torchrun's environment but
for the rank. Each runs every config of the file, some of them sharded by accelerate and one of them
cut off; then shards a model with FSDP and takes one step. They are forks of this process, which
imports torch once for both."""

import json
import os
import signal
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
import torch.distributed as dist
from accelerate import Accelerator, FullyShardedDataParallelPlugin
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import DistributedType
from medfilip_model.config import ModelConfig, TrainConfig, parse_config
from medfilip_model.model import MedFILIP
from medfilip_model.progress import Silent
from medfilip_model.training import Preempted, run, train
from medfilip_model.training.forward import Outputs, TrainingPass, split
from medfilip_model.training.gather import exchange, gather_rows
from medfilip_model.training.step import backward
from ssm import load_encoder
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

CPU = torch.device("cpu")


def gathers(rank: int) -> dict[str, object]:
    """Ranks with 3 and 1 rows: the rows in order, the gradient on the own ones."""
    own = torch.full((3 - 2 * rank, 2), float(rank + 1), requires_grad=True)
    sizes = [row[0] for row in exchange([len(own), rank], CPU)]
    whole = gather_rows(own, sizes)
    (whole.sum(dim=1) * torch.arange(4.0)).sum().backward()
    none = gather_rows(torch.zeros((2 * rank, 1), dtype=torch.long), [0, 2])
    assert own.grad is not None
    return {"whole": whole[:, 0].tolist(), "grad": own.grad[:, 0].tolist(), "none": len(none)}


def sharded_step(model: dict[str, object], inputs: dict[str, torch.Tensor], rank: int) -> object:
    """FSDP2 over gloo: one step, in parts, and the whole weights after it."""
    torch.manual_seed(0)
    module = TrainingPass(MedFILIP(ModelConfig.model_validate(model)), None)
    module.to(memory_format=torch.contiguous_format)  # FSDP takes no other
    mesh = init_device_mesh("cpu", (2,))
    fully_shard(module.model.text_tower, mesh=mesh)
    fully_shard(module, mesh=mesh)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    pixels, tokens = inputs["pixels"].chunk(2)[rank], inputs["tokens"].chunk(2)[rank]

    def loss_of(own: Outputs) -> torch.Tensor:
        images = gather_rows(own.images, [len(pixels)] * 2)
        texts = gather_rows(own.texts, [len(tokens)] * 2)
        return ((images @ texts.T) * own.scale).softmax(0).square().sum()

    loss = backward(module, split(pixels, tokens, 2), loss_of)
    optimiser.step()
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights = get_model_state_dict(module, options=options)
    moments = get_optimizer_state_dict(module, optimiser, options=options)
    return loss, weights, len(moments["state"]) if moments else 0


def sharding(**options: object) -> Accelerator:
    """accelerate's FSDP2 over gloo. By itself accelerate shards on cards alone: it is told that it
    has them where it asks, and no more."""
    plugin = FullyShardedDataParallelPlugin(
        fsdp_version=2,
        auto_wrap_policy="transformer_based_wrap",
        transformer_cls_names_to_wrap=["ResidualAttentionBlock"],
    )
    accelerator = Accelerator(**options, fsdp_plugin=plugin)
    for shared in (PartialState._shared_state, AcceleratorState._shared_state):
        shared["distributed_type"] = DistributedType.FSDP
    accelerator.state.fsdp_plugin = plugin
    assert accelerator.is_fsdp2
    return accelerator


class Stops(Silent):
    """The first process gets SIGTERM after some batches; the others hear of it from it."""

    left = 2

    def advance(self, steps: int) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGTERM)


def cut_off(config: TrainConfig) -> None:
    try:
        train(config, listener=Stops())
    except Preempted:
        dist.barrier()  # a new launch would begin when the first process has written all
    else:
        raise AssertionError("the run was not cut off")


def work(spec: dict[str, object], rank: int) -> None:
    out = Path(spec["out"])
    for config in spec["whole"]:
        train(parse_config(config), listener=Silent())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "Accelerator", sharding)
        cut_off(parse_config(spec["sharded"][0]))
        for config in spec["sharded"]:
            train(parse_config(config), listener=Silent())
    assert rank == dist.get_rank()
    result = {"gathered": gathers(rank)}
    inputs = safetensors.torch.load_file(spec["inputs"])
    loss, weights, moments = sharded_step(spec["model"], inputs, rank)
    result |= {"loss": loss.item(), "moments": moments}
    if rank == 0:
        safetensors.torch.save_file(weights, out / "sharded.safetensors")
    (out / f"rank{rank}.json").write_text(json.dumps(result))
    dist.barrier()
    dist.destroy_process_group()


if __name__ == "__main__":
    torch.set_num_threads(1)
    spec = json.loads(Path(sys.argv[1]).read_text())
    # They import what both would import.
    MedFILIP(ModelConfig.model_validate(spec["model"]))
    load_encoder("lexical").encode(["mass"])
    for rank in range(2):
        if not os.fork():
            os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank)}
            work(spec, rank)
            sys.exit()
    # Where one has failed, the other would wait for it.
    if os.wait()[1]:
        os.killpg(0, signal.SIGKILL)
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
