"""What the model answers about an open image: each question is computed once."""

from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float
from medfilip_model.calibration import centred
from medfilip_model.classes import ClassQuestions, ClassScore, score_classes
from medfilip_model.config import DataConfig
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.explain import Reasons, explain
from medfilip_model.heatmap import Heatmaps, Kind, heatmap
from torch import Tensor

from medfilip_app.loaded import Loaded
from medfilip_app.page.gallery import Opened
from medfilip_app.recent import Recent

# Answers of one kind that are kept; a set of maps takes at most some megabytes.
_KEPT = 128


@dataclass(frozen=True)
class PhraseScore:
    """How much an image resembles a phrase.

    Attributes:
        phrase: As it was typed, without spaces around it.
        similarity: Cosine of image and phrase.
        normal: Cosine of image and the text of an image without findings.
        probability: By the pooled curve, which assumes that what the phrase says is as common as
            the classes of the fit are on average; None without one.
    """

    phrase: str
    similarity: float
    normal: float
    probability: float | None


@dataclass(frozen=True, eq=False)
class Place:
    """Where an image shows a category.

    Attributes:
        kind: What the values are.
        values: One for each pixel of the model's input.
        floor: Above it a place speaks for the category.
        top: The highest value of any category that was asked with it.
    """

    kind: Kind
    values: Float[np.ndarray, "S S"]
    floor: float
    top: float


class Answers:
    """A run that is asked about open images."""

    def __init__(self, loaded: Loaded) -> None:
        """Nothing is computed yet.

        Args:
            loaded: The run.
        """
        self.loaded = loaded
        found = loaded.calibration
        self._template: Template = "paper" if found is None else found.template
        self._normal = DataConfig().normal if found is None else found.normal
        self._embedded: Recent[str, Tensor] = Recent(_KEPT)
        self._maps: Recent[tuple[str, tuple[str, ...]], Heatmaps] = Recent(_KEPT)
        self._mapping = Lock()

    @property
    def kb(self) -> KnowledgeBase:
        """The dictionary."""
        return self.loaded.kb

    def classes(self, image: Opened, library: str) -> tuple[ClassScore, ...]:
        """The classes of a data set, the most probable first.

        Args:
            image: An open image.
            library: A data set of the dictionary.

        Returns:
            As `medfilip_model.predict.predict` gives them.
        """
        model, named = self.loaded.model, self.kb.classes(library)
        asked = ClassQuestions.of(model, self.kb, named, self.loaded.calibration)
        return score_classes(model, image.pixels[None], self._embed(image), asked)[0]

    def phrase(self, image: Opened, phrase: str) -> PhraseScore:
        """How much an image resembles any phrase."""
        text = encode_texts(self.loaded.model, [phrase.strip()])
        normal = encode_texts(self.loaded.model, [self._normal])
        embedded, found = self._embed(image), self.loaded.calibration
        probability = None
        if found is not None and found.classes.pooled is not None:
            scores, beside = (
                centred(embedded, t, torch.tensor(found.centre)) for t in (text, normal)
            )
            probability = float(found.classes.pooled.probability(scores[:, 0], beside[:, 0])[0])
        return PhraseScore(
            phrase=phrase.strip(),
            similarity=float((embedded @ text.T)[0, 0]),
            normal=float((embedded @ normal.T)[0, 0]),
            probability=probability,
        )

    def reasons(self, image: Opened, category: str) -> Reasons:
        """The visual attributes that speak for and against a category."""
        return explain(
            self.loaded.model,
            self._embed(image),
            self.kb,
            [category],
            calibration=self.loaded.calibration,
        )[0]

    def place(self, image: Opened, category: str, among: tuple[str, ...]) -> Place:
        """Where an image shows a category.

        Args:
            image: An open image.
            category: The category.
            among: Categories that share its scale; mapping all of them costs as much as one.
        """
        asked = tuple(dict.fromkeys((*sorted(among), category)))
        # One at a time: maps take tens of passes, and others wait for their first answer.
        with self._mapping:
            maps = self._maps.get((image.token, asked))
            if maps is None:
                maps = self._map(image, asked)
                self._maps.put((image.token, asked), maps)
        values = np.asarray(maps.values[0, asked.index(category)])
        return Place(maps.kind, values, maps.floor, float(maps.values.max()))

    def warm(self, library: str) -> None:
        """Ask once for all that an image is asked first, so that nobody waits for it."""
        size = self.loaded.model.config.size
        blank = np.zeros((size, size), np.uint8)
        image = Opened("", "", "", blank, blank)
        first = self.classes(image, library)[0]
        self.reasons(image, first.category)
        self.place(image, first.category, (first.category,))

    def _map(self, image: Opened, categories: tuple[str, ...]) -> Heatmaps:
        return heatmap(
            self.loaded.model,
            image.pixels[None],
            self.kb,
            categories,
            normal=self._normal,
            template=self._template,
        )

    def _embed(self, image: Opened) -> Float[Tensor, "1 D"]:
        known = self._embedded.get(image.token)
        if known is None:
            known = encode_images(self.loaded.model, image.pixels[None])
            self._embedded.put(image.token, known)
        return known
