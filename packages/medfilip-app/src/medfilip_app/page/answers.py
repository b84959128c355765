"""What the model answers about an open image: each question is computed once."""

from dataclasses import dataclass
from threading import Lock

import numpy as np
import torch
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float
from medfilip_model.calibration import Curves, Source, centred
from medfilip_model.config import DataConfig
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.explain import Reasons, explain
from medfilip_model.heatmap import Heatmaps, Kind, heatmap
from medfilip_model.predict import ClassScore
from medfilip_model.presence import ask, entity_queries
from medfilip_model.zeroshot import class_prompts, encode_classes
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
        named = self.kb.classes(library)
        categories = tuple(dict.fromkeys(named.values()))
        texts = encode_classes(
            self.loaded.model, class_prompts(self.kb, categories, self._template)
        )
        cosines = (self._embed(image) @ texts.T)[0].tolist()
        curves = None if self.loaded.calibration is None else self.loaded.calibration.classes
        probable = self._probable(image, texts, categories, curves)
        present = self._present(image, categories)
        known = {
            category: (cosine, *probability, presence)
            for category, cosine, probability, presence in zip(
                categories, cosines, probable, present, strict=True
            )
        }
        scores = [
            ClassScore(label, category, cosine, probability, presence, source)
            for label, category in named.items()
            for cosine, probability, source, presence in [known[category]]
        ]
        return tuple(
            sorted(scores, key=lambda one: (one.probability or 0.0, one.similarity), reverse=True)
        )

    def phrase(self, image: Opened, phrase: str) -> PhraseScore:
        """How much an image resembles any phrase."""
        text = encode_texts(self.loaded.model, [phrase.strip()])
        normal = encode_texts(self.loaded.model, [self._normal])
        embedded, found = self._embed(image), self.loaded.calibration
        pooled = None if found is None else Curves(own={}, pooled=found.classes.pooled)
        [(probability, _)] = self._probable(image, text, [phrase], pooled)
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

    def _probable(
        self,
        image: Opened,
        texts: Float[Tensor, "C D"],
        names: list[str] | tuple[str, ...],
        curves: Curves | None,
    ) -> list[tuple[float | None, Source | None]]:
        """The probability of each text, and whose curve it was read from."""
        found = self.loaded.calibration
        if found is None or curves is None:
            return [(None, None)] * len(names)
        embedded, centre = self._embed(image), torch.tensor(found.centre)
        scores = centred(embedded, texts, centre)
        normal = centred(embedded, encode_texts(self.loaded.model, [self._normal]), centre)[:, 0]
        rows: list[tuple[float | None, Source | None]] = []
        for column, name in enumerate(names):
            curve, source = curves.of(name)
            value = None if curve is None else curve.probability(scores[:, column], normal)
            rows.append((None if value is None else float(value[0]), source))
        return rows

    def _present(self, image: Opened, categories: tuple[str, ...]) -> list[float | None]:
        """The fusion head's calibrated answers; None without such a head."""
        model, found = self.loaded.model, self.loaded.calibration
        if model.fusion is None or found is None or found.presence is None:
            return [None] * len(categories)
        logits = ask(model, image.pixels[None], entity_queries(model, categories, self.kb))
        values: list[float | None] = []
        for column, category in enumerate(categories):
            curve, _ = found.presence.of(category)
            row = logits.presence[:, column].numpy()
            values.append(None if curve is None else float(curve.probability(row)[0]))
        return values
