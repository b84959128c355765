"""From a config to everything that the training loop reads: images, texts, targets, prompts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from iki_knowledge import KnowledgeBase
from ssm import Calibration, EncoderChoice, LabelBank, choose_encoder, fit_calibration, load_encoder

from medfilip_model.config import (
    DataConfig,
    FusionConfig,
    ModelConfig,
    TargetConfig,
    TrainConfig,
)
from medfilip_model.data.entities import Entities
from medfilip_model.data.findings import read_findings, with_findings
from medfilip_model.data.folder import load_folder
from medfilip_model.data.format import MANIFEST, SHARDS
from medfilip_model.data.phantoms import load_phantoms
from medfilip_model.data.samples import ImageSet
from medfilip_model.data.shards import is_prepared, load_prepared
from medfilip_model.data.texts import TextTable, build_texts
from medfilip_model.errors import DataError
from medfilip_model.loss import Attributes, Targets
from medfilip_model.progress import Listener
from medfilip_model.towers import tokenizer
from medfilip_model.zeroshot import class_prompts

# What is scored where the images name no category: the classes that most data sets share.
_COMMON = "chestxray14"


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
        encoder: Name of the encoder that made the targets; ``none`` for identity targets.
        kb: The dictionary: which category is one of which.
        model: The config of the model, with the places of its fusion head filled in.
        entities: What the fusion head is asked for; None for a dual encoder alone.
    """

    images: ImageSet
    texts: TextTable
    train: tuple[int, ...]
    valid: tuple[int, ...]
    prompts: Mapping[str, tuple[str, ...]]
    targets: Targets
    encoder: str
    kb: KnowledgeBase
    model: ModelConfig
    entities: Entities | None = None


def load_images(config: DataConfig, size: int, kb: KnowledgeBase, listener: Listener) -> ImageSet:
    """Load the images that a config names, with the findings that it names.

    Args:
        config: The source: a prepared data set, a manifest folder, or phantoms.
        size: Side of the images in pixels.
        kb: Dictionary.
        listener: Hears what was left out.

    Returns:
        The images.

    Raises:
        DataError: If the source cannot be used.
    """
    found = None if config.findings is None else read_findings(config.findings, kb)
    images = _source(config, size, kb, listener, need_labels=found is None)
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


def _source(
    config: DataConfig, size: int, kb: KnowledgeBase, listener: Listener, *, need_labels: bool
) -> ImageSet:
    folder = config.folder
    if folder is None:
        return load_phantoms(config, size, listener)
    if is_prepared(folder):
        return load_prepared(folder, kb, size=size)
    if (folder / SHARDS).is_dir():
        raise DataError(
            f"{str(folder)!r} has {SHARDS} but no {MANIFEST}: medfilip prepare was cut off; "
            "run it again and it goes on"
        )
    # Reports can stand in for labels.
    need_labels = need_labels and config.text == "findings"
    return load_folder(folder, kb, size=size, need_labels=need_labels, workers=config.workers)


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
    data = config.data
    images = load_images(data, config.model.size, kb, listener)
    texts = build_texts(
        images,
        images.rows("train"),
        kb,
        template=data.template,
        normal=data.normal,
        text=data.text,
        augment=data.augment_text,
    )
    _check_enough(config, images, texts, listener)
    taught = _taught(images, kb)
    seen = [c for c in taught if c in (images.classes or taught)] or taught
    entities = _entities(config.model.fusion, seen, images, kb)
    targets, chosen = _targets(config, kb, texts, entities)
    how = "the identity" if chosen is None else f"by {chosen.name} ({chosen.reason})"
    listener.note(
        f"{len(texts.rows)} training images, {len(images.rows('valid'))} held out; "
        f"{len(texts.texts)} {'reports' if data.text == 'report' else 'texts'} of "
        f"{len(taught)} categories; targets {how}"
    )
    return Prepared(
        images=images,
        texts=texts,
        train=tuple(texts.rows),
        valid=tuple(images.rows("valid")),
        prompts=class_prompts(kb, seen, data.template),
        targets=targets,
        encoder="none" if chosen is None else chosen.name,
        kb=kb,
        model=_with_places(config.model, entities),
        entities=entities,
    )


def _check_enough(
    config: TrainConfig, images: ImageSet, texts: TextTable, listener: Listener
) -> None:
    left_out = len(images.rows("train")) - len(texts.rows)
    if left_out:
        what = "report" if config.data.text == "report" else "certain finding"
        listener.note(f"{left_out} training images have no {what} and are not trained on")
    if len(texts.rows) < config.batch:
        raise DataError(
            f"{len(texts.rows)} training images are fewer than one batch of {config.batch}: "
            "give more images or a smaller batch"
        )


def _taught(images: ImageSet, kb: KnowledgeBase) -> list[str]:
    """The categories that training images show, in the order of the dictionary.

    Images with reports alone show none that is known: then those of the held-out images, which are
    scored, or the classes that most data sets share.
    """
    for split in ("train", "valid"):
        rows = images.rows(split)
        shown = {f.category for row in rows for f in images.samples[row].present}
        if shown:
            return [category for category in kb if category in shown]
    return list(dict.fromkeys(kb.classes(_COMMON).values()))


def _entities(
    fusion: FusionConfig | None, seen: Sequence[str], images: ImageSet, kb: KnowledgeBase
) -> Entities | None:
    if fusion is None:
        return None
    if fusion.places or not fusion.location:
        return Entities(tuple(seen), fusion.places, kb)
    return Entities.of(seen, [images.samples[row] for row in images.rows("train")], kb)


def _with_places(model: ModelConfig, entities: Entities | None) -> ModelConfig:
    if model.fusion is None or entities is None:
        return model
    fusion = model.fusion.model_copy(update={"places": entities.places})
    return model.model_copy(update={"fusion": fusion})


def _targets(
    config: TrainConfig, kb: KnowledgeBase, texts: TextTable, entities: Entities | None
) -> tuple[Targets, EncoderChoice | None]:
    goal, tokens = config.targets, tokenizer(config.model.text)
    chosen = None if goal.kind == "identity" else _encoder(goal.encoder)
    bank = None if chosen is None else LabelBank.build(texts.texts, chosen.encoder)
    targets = Targets(
        bank=bank,
        tokens=tokens(texts.texts),
        group=_groups(texts.groups) if goal.group else None,
        config=goal,
        loss=config.loss,
        calibration=_calibration(bank, goal),
        entities=None
        if entities is None
        else tokens([kb.explain(category) for category in entities.categories]),
        attributes=Attributes.build(texts.groups, kb, tokens) if config.loss.attributes else None,
    )
    return targets, chosen


def _groups(categories: Sequence[str]) -> torch.Tensor:
    """A number for each category; texts of none share a number."""
    ids = {category: n for n, category in enumerate(sorted(set(categories)))}
    return torch.tensor([ids[category] for category in categories])


def _calibration(bank: LabelBank | None, goal: TargetConfig) -> Calibration:
    if bank is None or goal.calibration is None:
        return Calibration()
    return fit_calibration(bank.embeddings, "quantile", share=goal.calibration)


def _encoder(name: str | None) -> EncoderChoice:
    return choose_encoder() if name is None else EncoderChoice(load_encoder(name), "as asked")
