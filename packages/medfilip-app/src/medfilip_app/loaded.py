"""What is loaded once and answers every question: a run, its calibration, the dictionary."""

from dataclasses import dataclass
from pathlib import Path

from iki_knowledge import KnowledgeBase, load_knowledge
from medfilip_model.calibration import Calibration, read_calibration
from medfilip_model.checkpoint import load_checkpoint
from medfilip_model.checkpoint.about import trained_on
from medfilip_model.model import MedFILIP

from medfilip_app.errors import AppError
from medfilip_app.texts import remembering


@dataclass(frozen=True)
class Loaded:
    """A run that answers.

    Attributes:
        model: Its weights; it embeds each text once.
        calibration: What turns similarities into probabilities; None where the run has none.
        kb: The dictionary.
        name: The run's name, without its place on this machine.
        trained_on: What it was trained on, in words.
        phantom: Whether that were phantoms alone, so that it says nothing about patients.
    """

    model: MedFILIP
    calibration: Calibration | None
    kb: KnowledgeBase
    name: str
    trained_on: str
    phantom: bool


def load(run: Path, *, device: str = "cpu") -> Loaded:
    """Load a run of medfilip-train.

    Args:
        run: Run or checkpoint folder, or its export as a hub folder.
        device: Where the model is put.

    Raises:
        MedfilipError: If it is missing, incomplete or damaged.
        AppError: If there is no such device.
    """
    checkpoint = load_checkpoint(run)
    try:
        model = checkpoint.model.to(device)
    # torch's own: which of them depends on how it was built.
    except (AssertionError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise AppError(f"device {device!r} cannot be used, take 'cpu': {reason}") from error
    about = trained_on(checkpoint.config)
    return Loaded(
        model=remembering(model.eval()),
        calibration=read_calibration(checkpoint.extra),
        kb=load_knowledge(),
        name=run.resolve().name,
        trained_on=about.words,
        phantom=about.phantom,
    )
