"""Where images and findings come from, and how a finding becomes a text."""

from pathlib import Path
from typing import Literal

from iki_knowledge import Template

from medfilip_model.config.base import Frozen, Positive


class DataConfig(Frozen):
    """Where images and findings come from, and how a finding becomes a text.

    Attributes:
        folder: A prepared data set (``dataset.json``), or a folder with ``images/`` and
            ``manifest.csv``; None draws phantoms.
        findings: A findings.jsonl whose findings replace those of the training images.
        train: Phantoms to train on.
        valid: Phantoms held out for the score after each epoch.
        seed: Seed of the phantoms, apart from the seed of training.
        text: What an image's texts are: ``findings``, one text a finding, or ``report``, the whole
            report as one text (ConVIRT, and the first row of the ablation).
        template: Template that turns a finding into its text.
        normal: The text of an image without any finding.
        augment: Whether training images are shifted and zoomed a little (never flipped: the
            texts name sides).
        augment_text: Whether a finding's text is drawn anew each time: one of the templates, with
            severity and place sometimes left out.
        workers: Processes that draw or decode images.
    """

    folder: Path | None = None
    findings: Path | None = None
    train: Positive = 3000
    valid: Positive = 500
    seed: int = 0
    text: Literal["findings", "report"] = "findings"
    template: Template = "paper"
    normal: str = "no acute cardiopulmonary finding, where the lungs are clear and well expanded"
    augment: bool = False
    augment_text: bool = False
    workers: Positive = 2
