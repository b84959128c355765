"""Encoding on several devices: every process encodes its share, the first goes on with the tasks.

Started by ``accelerate launch -m medfilip_bench all …``; a single process does nothing here.
"""

from accelerate import PartialState
from accelerate.utils import parse_flag_from_env
from medfilip_model.data.samples import Split

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.features import Encoder


def _state() -> PartialState:
    # What `accelerate launch --cpu` sets; the class alone does not look at it.
    return PartialState(cpu=parse_flag_from_env("ACCELERATE_USE_CPU"))


def alone() -> bool:
    """Return whether this is the only process."""
    return _state().num_processes == 1


def first() -> bool:
    """Return whether this process goes on with the tasks."""
    return bool(_state().is_main_process)


def device() -> str:
    """Return the device of this process: ``cpu``, ``cuda``, ``cuda:1``."""
    return str(_state().device)


def encode_together(encoder: Encoder, data: LabelledSet, splits: tuple[Split, ...]) -> None:
    """Encode the splits of a set, every process its share; returns when all of it is cached.

    Args:
        encoder: This process's copy of the model.
        data: The set; the same in every process.
        splits: Which of its images.
    """
    state = _state()
    for split in splits:
        encoder.encode_share(data, split, state.process_index, state.num_processes)
    state.wait_for_everyone()
    if state.is_main_process:
        for split in splits:
            encoder.join_shares(data, split, state.num_processes)
    state.wait_for_everyone()
