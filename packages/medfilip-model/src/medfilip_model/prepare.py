"""From a config to everything that the training loop reads: images, texts, targets, prompts."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from iki_knowledge import KnowledgeBase
from ssm import EncoderChoice, LabelBank, choose_encoder, fit_calibration, load_encoder

from medfilip_model.config import DataConfig, TrainConfig
from medfilip_model.data.collate import TextTable, build_texts
from medfilip_model.data.findings import read_findings, with_findings
from medfilip_model.data.folder import load_folder
from medfilip_model.data.phantoms import load_phantoms
from medfilip_model.data.samples import ImageSet
from medfilip_model.errors import DataError
from medfilip_model.loss import Targets
from medfilip_model.progress import Listener
from medfilip_model.towers import tokenize
from medfilip_model.zeroshot import class_prompts


@dataclass(frozen=True)
class Prepared:
    """All that a training loop reads.

    Attributes:
        images: Training and validation images.
        texts: The training texts and which row has which.
        train: Rows to train on.
        valid: Rows held out.
        prompts: The seen classes and their texts.
        targets: Soft targets and tokens.
        encoder: Name of the encoder that made the targets.
    """

    images: ImageSet
    texts: TextTable
    train: tuple[int, ...]
    valid: tuple[int, ...]
    prompts: Mapping[str, tuple[str, ...]]
    targets: Targets
    encoder: str


def load_images(config: DataConfig, size: int, kb: KnowledgeBase, listener: Listener) -> ImageSet:
    """Load the images that a config names, with the findings that it names.

    Args:
        config: The source.
        size: Side of the images in pixels.
        kb: Dictionary.
        listener: Hears what was left out.

    Returns:
        The images.

    Raises:
        DataError: If the source cannot be used.
    """
    found = None if config.findings is None else read_findings(config.findings, kb)
    if config.folder is None:
        images = load_phantoms(config, size, listener)
    else:
        images = load_folder(
            config.folder, kb, size=size, need_labels=found is None, workers=config.workers
        )
    for skipped in images.skipped:
        listener.note(f"skipped {skipped.file}: {skipped.reason}")
    if found is None:
        return images
    # Labels of the source, where it has them, are the truth to score against; the findings file is
    # what training may know.
    truth = any(s.findings is not None for s in images.samples if s.split == "valid")
    joined = with_findings(images, found, ("train",) if truth else ("train", "valid", "test"))
    for what, names in (
        (
            "images have no report in the findings file and are not trained on",
            joined.without_report,
        ),
        ("reports of the findings file have no image", joined.without_image),
    ):
        if names:
            listener.note(f"{len(names)} {what} (first: {names[0]!r})")
    return joined.images


def prepare(config: TrainConfig, kb: KnowledgeBase, listener: Listener) -> Prepared:
    """Load the images, write the texts, embed them for the targets.

    Args:
        config: The run.
        kb: Dictionary.
        listener: Hears what was chosen and what was left out.

    Returns:
        What the loop reads.

    Raises:
        DataError: If the source cannot be used or is too small.
        SsmError: If the encoder of the targets is not to be had.
    """
    data, goal = config.data, config.targets
    images = load_images(data, config.model.size, kb, listener)
    texts = build_texts(
        images, images.rows("train"), kb, template=data.template, normal=data.normal
    )
    unsure = len(images.rows("train")) - len(texts.rows)
    if unsure:
        listener.note(f"{unsure} training images have no certain finding and are not trained on")
    if len(texts.rows) < config.batch:
        raise DataError(
            f"{len(texts.rows)} training images are fewer than one batch of {config.batch}: "
            "give more images or a smaller batch"
        )
    taught = [category for category in kb if category in set(texts.groups)]
    seen = [c for c in taught if c in (images.classes or taught)] or taught
    chosen = _encoder(goal.encoder)
    bank = LabelBank.build(texts.texts, chosen.encoder)
    ids = {category: n for n, category in enumerate(["", *taught])}
    group = torch.tensor([ids[category] for category in texts.groups]) if goal.group else None
    method = "none" if goal.calibration is None else "quantile"
    calibration = fit_calibration(bank.embeddings, method, share=goal.calibration or 0.8)
    tokens = tokenize(texts.texts, config.model.text.context)
    listener.note(
        f"{len(texts.rows)} training images, {len(images.rows('valid'))} held out; "
        f"{len(texts.texts)} texts of {len(taught)} categories; "
        f"targets by {chosen.name} ({chosen.reason})"
    )
    return Prepared(
        images=images,
        texts=texts,
        train=tuple(texts.rows),
        valid=tuple(images.rows("valid")),
        prompts=class_prompts(kb, seen, data.template),
        targets=Targets(bank, tokens, group, goal, calibration),
        encoder=chosen.name,
    )


def _encoder(name: str | None) -> EncoderChoice:
    return choose_encoder() if name is None else EncoderChoice(load_encoder(name), "as asked")
