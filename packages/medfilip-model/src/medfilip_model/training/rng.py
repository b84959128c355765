"""The states of the random generators: taken before a forward pass, saved with a checkpoint."""

import random
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def torch_state(device: torch.device) -> tuple[Tensor, Tensor | None]:
    """The state of torch's generators that dropout and augmentation draw from."""
    on_device = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    return torch.get_rng_state(), on_device


def set_torch_state(state: tuple[Tensor, Tensor | None], device: torch.device) -> None:
    """Put the generators back to where `torch_state` found them."""
    torch.set_rng_state(state[0])
    if state[1] is not None:
        torch.cuda.set_rng_state(state[1], device)


def all_states(device: torch.device) -> dict[str, object]:
    """The states of python's, numpy's and torch's global generators, as numbers and tensors."""
    version, internal, gauss = random.getstate()
    name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)  # noqa: NPY002 - a library that we call may draw from it
    cpu, on_device = torch_state(device)
    return {
        "python": [version, torch.tensor(internal), gauss],
        "numpy": [
            str(name),
            torch.from_numpy(np.asarray(keys, dtype=np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "torch": cpu,
        "cuda": on_device,
    }


def set_all_states(states: Mapping[str, object], device: torch.device) -> None:
    """Put every generator back to where `all_states` found it."""
    match states:
        case {
            "python": [int(version), Tensor() as internal, gauss],
            "numpy": [str(name), Tensor() as keys, int(position), int(has_gauss), float(cached)],
            "torch": Tensor() as cpu,
            "cuda": Tensor() | None as on_device,
        }:
            random.setstate((version, tuple(internal.tolist()), gauss))
            numpy_state = (name, keys.numpy().astype(np.uint32), position, has_gauss, cached)
            np.random.set_state(numpy_state)  # noqa: NPY002 - as above
            # A run that moved between machines with and without a card has no state for it.
            fits = on_device is not None and device.type == "cuda"
            set_torch_state((cpu, on_device if fits else None), device)
        case _:
            raise ValueError(f"states of {sorted(states)} are not those of the random generators")
