"""What an image is asked so that statements about it can be judged; pure.

Each category by its texts, the text of an image without findings, and each severity of a category.
The sides are not asked by text: soft targets of nearly the same texts teach a model nothing of
"left" and "right" (on phantoms their texts tell the sides apart with an AUC of 0.52). They are read
from the halves of the image instead (`mirrored`), where the category's own texts tell them apart
with 0.97.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from iki_knowledge import Finding, KnowledgeBase, Template
from iki_knowledge.finding import Side
from jaxtyping import Float, UInt8

from medfilip_model.statements.facts import words_of
from medfilip_model.zeroshot import class_prompts


@dataclass(frozen=True)
class Questions:
    """The texts, in the order of the scores.

    Attributes:
        categories: C categories.
        prompts: K groups of texts; an image's score for a group is its similarity to their mean.
            First one a category, then the text of an image without findings, then one for each
            severity of each category that has several.
        weights: Contrast of severities for each graded category, over all K scores [G, K].
    """

    categories: tuple[str, ...]
    prompts: tuple[tuple[str, ...], ...]
    weights: Float[np.ndarray, "G K"]

    @property
    def plain(self) -> int:
        """How many prompts, from the first, halves of images are asked."""
        return len(self.categories) + 1

    def whole(self, scores: Float[np.ndarray, "N K"]) -> Float[np.ndarray, "N F"]:
        """Readings of whole images from their scores for all prompts."""
        return np.concatenate([scores[:, : self.plain], scores @ self.weights.T], axis=1)


def questions(
    kb: KnowledgeBase, categories: Sequence[str], *, template: Template, normal: str
) -> Questions:
    """Say what to ask.

    Args:
        kb: Dictionary.
        categories: Category ids.
        template: Template of their texts.
        normal: Text of an image without findings.
    """
    prompts = [*class_prompts(kb, categories, template).values(), (normal,)]
    contrasts: list[dict[int, float]] = []
    for category in categories:
        words = words_of(category, kb)
        if len(words) < 2:
            continue
        middle = sum(words) / len(words)
        contrasts.append({len(prompts) + n: rank - middle for n, rank in enumerate(words)})
        prompts += [_graded(category, rank, kb, template) for rank in words]
    weights = np.zeros((len(contrasts), len(prompts)))
    for row, contrast in enumerate(contrasts):
        weights[row, list(contrast)] = list(contrast.values())
    return Questions(tuple(categories), tuple(prompts), weights)


def _graded(category: str, rank: int, kb: KnowledgeBase, template: Template) -> tuple[str, ...]:
    own = [s for s in kb[category].severities if kb.vocabulary.severities[s].rank == rank]
    sides: tuple[Side | None, ...] = (None, "left", "right", "bilateral")
    texts = (
        kb.text(Finding(category=category, severity=severity, side=side), template)
        for severity, side in product(own, sides)
    )
    return tuple(dict.fromkeys(texts))


def mirrored(
    pixels: UInt8[np.ndarray, "N S S"],
) -> tuple[UInt8[np.ndarray, "N S S"], UInt8[np.ndarray, "N S S"]]:
    """Make each half of frontal images whole by its own mirror image.

    What an image shows on one side only is then in one of the two twice and in the other not at
    all, and both are still whole chests, which a model knows how to read.

    Args:
        pixels: Grey values; the patient's right is on the left.

    Returns:
        The patient's left half, doubled, and the right half, doubled.
    """
    width = pixels.shape[-1]
    half = width // 2
    left, right = pixels.copy(), pixels.copy()
    left[..., :half] = pixels[..., width - half :][..., ::-1]
    right[..., width - half :] = pixels[..., :half][..., ::-1]
    return left, right
