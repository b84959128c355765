"""What a run was trained on, in words, from the record that its checkpoints carry."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast


@dataclass(frozen=True)
class TrainedOn:
    """What a run was trained on.

    Attributes:
        words: E.g. ``"5000 phantoms, 9 epochs"``.
        phantom: Whether these were phantoms alone.
    """

    words: str
    phantom: bool


def trained_on(record: Mapping[str, object]) -> TrainedOn:
    """Say what a run was trained on.

    Args:
        record: The run's config.json (`Checkpoint.config`): ``config`` and ``resolved``.
    """
    config, resolved = (
        cast("Mapping[str, object]", record.get(part) or {}) for part in ("config", "resolved")
    )
    data = cast("Mapping[str, object]", config.get("data") or {})
    phantom = data.get("folder") is None
    named = "folder" in data
    source = "phantoms" if phantom else f"images of {resolved.get('images')!r}"
    findings = " with findings read from their reports" if data.get("findings") else ""
    epochs = f", {config['epochs']} epochs" if "epochs" in config else ""
    count = resolved.get("train", "an unknown number of")
    # A run that starts from another's weights has seen that run's images too.
    started = config.get("start") not in (None, "none")
    return TrainedOn(f"{count} {source}{findings}{epochs}", named and phantom and not started)
