"""Where a model runs and in which number format."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from ssm.errors import EncoderError

Dtype = Literal["auto", "float32", "bfloat16"]
Device = str | torch.device


@dataclass(frozen=True)
class Placement:
    """Devices that a model runs on, and the format of its weights there.

    Attributes:
        devices: One or more; on two or more, each runs a copy in a process of its own.
        dtype: float32 or bfloat16.
    """

    devices: tuple[torch.device, ...]
    dtype: torch.dtype

    @property
    def device(self) -> torch.device:
        """The device of a model that runs in this process: the CPU where others do the work."""
        return self.devices[0] if len(self.devices) == 1 else torch.device("cpu")

    @property
    def parts(self) -> dict[str, str]:
        """What the placement adds to a fingerprint: nothing in float32, whatever the devices."""
        return {} if self.dtype == torch.float32 else {"dtype": str(self.dtype).split(".")[-1]}

    def cast(self, model: torch.nn.Module) -> None:
        """Bring a model's weights into the format, in place.

        Buffers keep theirs: rotary position tables lose what tells far positions apart in bfloat16.
        """
        for parameter in model.parameters():
            parameter.data = parameter.data.to(self.dtype)


def place(
    name: str,
    device: Device | None = None,
    *,
    dtype: Dtype = "auto",
    devices: Sequence[Device] | None = None,
) -> Placement:
    """Check and complete what was said about devices and format.

    Args:
        name: The encoder's name, for messages.
        device: One device; by default CUDA where there is one, else the CPU.
        dtype: ``"auto"`` is bfloat16 where every device is CUDA with bfloat16 units, else float32.
        devices: One or more, in place of ``device``; a device may be named twice.

    Raises:
        EncoderError: There is no such device or format, or both ``device`` and ``devices`` are
            given.
    """
    if dtype not in get_args(Dtype):
        allowed = ", ".join(map(repr, get_args(Dtype)))
        raise EncoderError(f"encoder {name!r}: unknown dtype {dtype!r}, use one of {allowed}")
    if devices is None:
        found = (_device(name, _default() if device is None else device),)
    else:
        found = _several(name, device, devices)
    if dtype == "auto":
        return Placement(
            found, torch.bfloat16 if all(map(_fast_bfloat16, found)) else torch.float32
        )
    return Placement(found, torch.bfloat16 if dtype == "bfloat16" else torch.float32)


def _several(
    name: str, device: Device | None, devices: Sequence[Device]
) -> tuple[torch.device, ...]:
    if device is not None:
        raise EncoderError(
            f"encoder {name!r}: both device {str(device)!r} and devices {devices!r} are given, "
            "leave one of them out"
        )
    if isinstance(devices, str) or not devices:
        raise EncoderError(
            f"encoder {name!r}: devices is a sequence of one or more, such as "
            f"['cuda:0', 'cuda:1'], got {devices!r}"
        )
    return tuple(_device(name, each) for each in devices)


def _default() -> str:
    return "cuda" if torch.cuda.is_available() else "cpu"


def _device(name: str, device: Device) -> torch.device:
    try:
        target = torch.device(device)
        torch.zeros(1, device=target)
    except (RuntimeError, AssertionError) as error:
        raise EncoderError(
            f"encoder {name!r}: device {str(device)!r} cannot be used here; use 'cpu', or 'cuda' "
            "on a machine that has it"
        ) from error
    return target


def _fast_bfloat16(device: torch.device) -> bool:
    if device.type != "cuda":
        return False
    with torch.cuda.device(device):
        return torch.cuda.is_bf16_supported(including_emulation=False)
