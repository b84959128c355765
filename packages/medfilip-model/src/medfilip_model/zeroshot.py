"""Zero-shot classification with texts from the dictionary, and its score in the training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from iki_knowledge import Finding, KnowledgeBase, Template
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from medfilip_model.auc import rank_auc
from medfilip_model.data.samples import ImageSet, Sample, labels
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.model import MedFILIP

# Images that are in memory at a time.
_PART = 1024


@dataclass(frozen=True)
class ZeroShotScore:
    """How well the images of a set are ranked, class by class.

    Attributes:
        auc: Category -> AUC; None where the images lack a positive or a negative.
        macro: Mean over the categories that have one; None when none has.
    """

    auc: Mapping[str, float | None]
    macro: float | None


def class_prompts(
    kb: KnowledgeBase, categories: Sequence[str], template: Template = "paper"
) -> dict[str, tuple[str, ...]]:
    """The texts that stand for each class: the bare category, and every severity and side of it.

    Training texts nearly always state a severity and a side. The bare category alone is a text that
    training has hardly seen; the mean of its grades and sides is what it means.

    Args:
        kb: Dictionary.
        categories: Category ids.
        template: Template of `KnowledgeBase.text`.

    Returns:
        Category -> texts, without repeats.
    """
    prompts: dict[str, tuple[str, ...]] = {}
    for category in categories:
        grades = (None, *kb[category].severities)
        findings = [
            Finding(category=category, severity=severity, side=side)
            for severity in grades
            for side in (None, "left", "right", "bilateral")
        ]
        prompts[category] = tuple(dict.fromkeys(kb.text(f, template) for f in findings))
    return prompts


def with_narrower(
    prompts: Mapping[str, Sequence[str]], kb: KnowledgeBase
) -> dict[str, tuple[str, ...]]:
    """Ask for a class by the texts of its kinds too, where these are among the classes.

    An image with a consolidation shows a lung opacity, and its truth says so (`labels`); training
    told the model "consolidation" alone. A class made of its kinds is Novack et al., CHiLS, 2023;
    here the mean of all their texts stands for it.

    Args:
        prompts: Category -> texts, from `class_prompts`.
        kb: Dictionary.

    Returns:
        The same categories; those that are broader than another have its texts besides.
    """
    kinds: dict[str, dict[str, None]] = {c: dict.fromkeys(t) for c, t in prompts.items()}
    for category, texts in prompts.items():
        for broader in kb.ancestors(category):
            if broader in kinds:
                kinds[broader].update(dict.fromkeys(texts))
    return {category: tuple(texts) for category, texts in kinds.items()}


def encode_classes(model: MedFILIP, prompts: Mapping[str, Sequence[str]]) -> Float[Tensor, "C D"]:
    """Embed each class as the direction of the mean of its texts.

    Args:
        model: The model.
        prompts: Category -> at least one text.

    Returns:
        Unit vectors.
    """
    flat = encode_texts(model, [text for texts in prompts.values() for text in texts])
    parts = flat.split([len(texts) for texts in prompts.values()])
    return functional.normalize(torch.stack([part.mean(dim=0) for part in parts]), dim=-1)


def zero_shot(
    model: MedFILIP,
    images: ImageSet,
    rows: Sequence[int],
    prompts: Mapping[str, Sequence[str]],
    kb: KnowledgeBase | None = None,
) -> ZeroShotScore:
    """Score images against classes by cosine similarity (eq. 10) and take each class's AUC.

    Args:
        model: The model.
        images: Images with known findings.
        rows: Rows of `images` to score.
        prompts: Category -> texts, from `class_prompts`.
        kb: Dictionary, to count a finding as one of its broader categories too (`labels`).

    Returns:
        AUC by category, and their mean.
    """
    embedded = embed_rows(model, images, rows)
    return score(model, embedded, [images.samples[row] for row in rows], prompts, kb)


def embed_rows(model: MedFILIP, images: ImageSet, rows: Sequence[int]) -> Float[Tensor, "N D"]:
    """Embed some images of a set.

    Args:
        model: The model.
        images: The set.
        rows: Rows of it.

    Returns:
        Unit vectors on the CPU, in the order of the rows.
    """
    # Stored images are decoded as they are asked for: a part at a time keeps the memory small.
    parts = np.array_split(np.asarray(rows, dtype=np.int64), max(1, -(-len(rows) // _PART)))
    return torch.cat([encode_images(model, images.pixels[part]) for part in parts])


def score(
    model: MedFILIP,
    embedded: Float[Tensor, "N D"],
    samples: Sequence[Sample],
    prompts: Mapping[str, Sequence[str]],
    kb: KnowledgeBase | None = None,
) -> ZeroShotScore:
    """Score embedded images as `zero_shot` does.

    Args:
        model: The model that embedded them.
        embedded: From `embed_rows`.
        samples: What the images show.
        prompts: Category -> texts, from `class_prompts`.
        kb: As in `zero_shot`.

    Returns:
        AUC by category, and their mean.
    """
    asked = prompts if kb is None else with_narrower(prompts, kb)
    scores = (embedded @ encode_classes(model, asked).T).numpy()
    known = labels(samples, list(prompts), kb)
    auc = {category: rank_auc(scores[:, c], known[:, c]) for c, category in enumerate(prompts)}
    defined = [value for value in auc.values() if value is not None]
    return ZeroShotScore(auc, fmean(defined) if defined else None)
