"""MedKLIP (Wu et al. 2023): queries of entities attend to the regions of an image.

The answer of a query is no cosine, and it depends a little on which others are asked with it: they
attend to each other. Its own list of entities with their explanations can be given, and is then
asked together with every text, as in its training.

Axis legend, beside the package's: P patches of the image's map.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from iki_knowledge import KnowledgeBase
from jaxtyping import Float, Num, UInt8
from medfilip_model.grounding import upsample
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.base import Heatmap, LoadedModel
from medfilip_bench.models.identity import hash_weights
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.released.medklip_network import (
    MedKlip,
    medklip_backbone,
    medklip_network,
)
from medfilip_bench.models.released.text import (
    CLINICAL_BERT,
    TextSide,
    bert,
    encoder_part,
    folder_weights,
    text_side,
)
from medfilip_bench.models.restricted import SETTINGS, read_restricted
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import fit

SIZE = 224
_LONGEST = 64
# Images at a time where a heatmap is drawn.
_BATCH = 16


class MedKlipScorer(nn.Module):
    """MedKLIP as the benchmark asks it: a `TextScorer`.

    Attributes:
        network: Trunk, decoder and classifier.
        bert: The text tower, which MedKLIP's training left as it was.
        standardise: Grey values 0..255 -> pixels.
    """

    def __init__(
        self, network: MedKlip, text: nn.Module, side: TextSide, book: Sequence[str]
    ) -> None:
        """Take the networks.

        Args:
            network: Trunk, decoder and classifier.
            text: The text tower.
            side: Its tokenizer.
            book: Explanations that are asked with every text.
        """
        super().__init__()
        self.network = network
        self.bert = text
        self.standardise = Standardise(IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD, SIZE)
        self._side, self._book = side, tuple(book)
        self._known: dict[str, Tensor] = {}

    def encode_image(self, images: Num[Tensor, "N 1 H W"]) -> Float[Tensor, "N D"]:
        """Return the pooled features of the trunk."""
        return self.network.res_features(self._pixels(images)).mean(dim=(2, 3))

    def score_texts(
        self, images: Num[Tensor, "N 1 H W"], texts: Sequence[str]
    ) -> Float[Tensor, "N M"]:
        """Return the probability that what each text names is present."""
        return self._ask(images, texts)[0]

    def look(self, images: Num[Tensor, "N 1 H W"], texts: Sequence[str]) -> Float[Tensor, "N M P"]:
        """Return where the query of each text looked, summing to 1 over the patches."""
        return self._ask(images, texts)[1]

    def _ask(self, images: Tensor, texts: Sequence[str]) -> tuple[Tensor, Tensor]:
        queries = self._embed([*self._book, *texts])
        found, looked = self.network(self.network.patches(self._pixels(images)), queries)
        return found[:, len(self._book) :], looked[:, len(self._book) :]

    def _pixels(self, images: Tensor) -> Tensor:
        return self.standardise(images.to(self.network.classifier.weight.device))

    def _embed(self, texts: Sequence[str]) -> Tensor:
        """First tokens of texts, each read once."""
        device = self.network.classifier.weight.device
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            tokens = self._side.tokenizer(new, _LONGEST)
            hidden = self.bert(tokens["ids"].to(device), tokens["mask"].to(device))
            self._known.update(zip(new, hidden.last_hidden_state[:, 0], strict=True))
        if not texts:
            width = self.network.disease_embedding_layer.in_features
            return torch.zeros((0, width), device=device)
        return torch.stack([self._known[text].to(device) for text in texts])


def load_medklip(argument: str, device: str) -> LoadedModel:
    """Load MedKLIP.

    Args:
        argument: The release's checkpoint (its weights lie under ``model``); ``,text=FOLDER`` is
            where BioClinicalBERT's config.json, vocabulary and weights are; ``,book=FILE`` is its
            list of entities, JSON of names and explanations.
        device: Where it is put.

    Raises:
        ModelError: If a file is missing or refused, or weights do not fit.
    """
    spec = f"medklip:{argument}"
    main, options = split_options("medklip", argument, ("text", "book"))
    path = existing(spec, main, "the release's checkpoint")
    side = text_side(spec, options.get("text", CLINICAL_BERT))
    book = _book(spec, options.get("book"))
    state = read_restricted(spec, path, SETTINGS)
    network = medklip_network(spec, state, side.config.hidden_size)
    fit(spec, path, network, state)
    text = bert(side.config, pooler=False)
    text_path, text_state = folder_weights(spec, side)
    heads = {k: v for k, v in text_state.items() if not k.startswith("cls.")}
    fit(spec, text_path, text, encoder_part(heads))
    model = MedKlipScorer(network, text, side, book).eval().to(device)
    return LoadedModel(
        name="medklip",
        spec=spec,
        model=model,
        sha256=hash_of([hash_weights(network), hash_weights(text), side.sha256, book]),
        size=SIZE,
        trained_on="MIMIC-CXR: images and entities of their reports (MedKLIP's release)",
        saw_images=True,
        template=None,
        backbone=lambda: medklip_backbone(network, model.standardise),
        heatmap=_heatmap(model),
        heatmap_kind="attention",
        device=device,
    )


def _book(spec: str, file: str | None) -> list[str]:
    if file is None:
        return []
    path = existing(spec, file, "the release's JSON of entities and explanations")
    try:
        content: object = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{spec!r}: {file!r} cannot be read: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        raise ModelError(f"{spec!r}: {file!r} is no JSON object of names and explanations")
    return [str(value) for value in content.values()]


def _heatmap(model: MedKlipScorer) -> Heatmap:
    def look(
        pixels: UInt8[np.ndarray, "N S S"], categories: Sequence[str], kb: KnowledgeBase
    ) -> Float[np.ndarray, "N K S S"]:
        size = pixels.shape[-1]
        texts = [kb.explain(category) for category in categories]
        parts = [np.zeros((0, len(texts), size, size), np.float32)]
        with torch.inference_mode():
            for start in range(0, len(pixels), _BATCH):
                images = torch.from_numpy(np.array(pixels[start : start + _BATCH])).unsqueeze(1)
                looked = model.look(images, texts)
                side = round(looked.shape[-1] ** 0.5)
                # As a multiple of looking everywhere alike.
                maps = looked.unflatten(2, (side, side)) * side * side
                parts.append(upsample(maps, size).float().cpu().numpy())
        return np.concatenate(parts)

    return look
