"""GLoRIA (Huang et al. 2021): ResNet and BioClinicalBERT; the global similarity alone.

The release adds to it a local one, of words and regions, which is no cosine of two embeddings;
the paper's tables do not say which was taken.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.dual import DualEncoder, Tokens
from medfilip_bench.models.identity import hash_weights
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.released.resnet import blocks, resnet, resnet_backbone
from medfilip_bench.models.released.text import CLINICAL_BERT, bert, masked_sum, text_side
from medfilip_bench.models.restricted import SETTINGS, read_restricted
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import fit

SIZE = 224
# Side that the network itself scales its images to.
_INNER = 299
_LONGEST = 97
_LAYERS = 4
_PREFIX = "gloria."


class _Image(nn.Module):
    """ResNet, and projections of the whole image and of its regions."""

    def __init__(self, network: nn.Module, channels: int, regions: int, embed: int) -> None:
        super().__init__()
        self.model = network
        self.global_embedder = nn.Linear(channels, embed)
        self.local_embedder = nn.Conv2d(regions, embed, kernel_size=1, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        wide = functional.interpolate(
            pixels, size=(_INNER, _INNER), mode="bilinear", align_corners=True
        )
        return self.global_embedder(self.model(wide))


class _Text(nn.Module):
    """BERT; a text is the sum over its tokens and its last four layers.

    The release first adds up the pieces of each word and takes the mean over words: the same
    direction, and a cosine asks for no more.
    """

    def __init__(self, config: Any) -> None:  # noqa: ANN401 - transformers' own
        super().__init__()
        self.model = bert(config, pooler=True)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden = self.model(ids, mask, output_hidden_states=True).hidden_states
        return masked_sum(torch.stack(hidden[-_LAYERS:]).sum(dim=0), mask)


class Gloria(nn.Module):
    """Both towers, by the names of the release."""

    def __init__(self, image: nn.Module, text: nn.Module) -> None:
        """Take the towers."""
        super().__init__()
        self.img_encoder = image
        self.text_encoder = text


def load_gloria(argument: str, device: str) -> LoadedModel:
    """Load GLoRIA.

    Args:
        argument: The release's chexpert_resnet50.ckpt (or _resnet18); its settings, which are
            objects of other packages, are passed over. ``,text=FOLDER`` is where BioClinicalBERT's
            config.json and vocabulary are.
        device: Where it is put.

    Raises:
        ModelError: If a file is missing or refused, or weights do not fit.
    """
    spec = f"gloria:{argument}"
    main, options = split_options("gloria", argument, ("text",))
    path = existing(spec, main, "the release's chexpert_resnet50.ckpt")
    side = text_side(spec, options.get("text", CLINICAL_BERT))
    state = {
        name.removeprefix(_PREFIX): value
        for name, value in read_restricted(spec, path, SETTINGS).items()
    }
    kind, counts = blocks(spec, state, "img_encoder.model.")
    whole = state.get("img_encoder.global_embedder.weight")
    if whole is None or len(whole) != side.config.hidden_size:
        raise ModelError(
            f"{spec!r}: 'img_encoder.global_embedder.weight' is missing or does not end in the "
            f"{side.config.hidden_size} channels of the text tower: it is no GLoRIA, or of another "
            "text tower"
        )
    trunk = resnet(kind, counts)
    image = _Image(trunk, 512 * kind.expansion, 256 * kind.expansion, len(whole))
    network = Gloria(image, _Text(side.config))
    fit(spec, path, network, state)
    standardise = Standardise([0.5] * 3, [0.5] * 3, SIZE)
    model = DualEncoder(
        network,
        standardise,
        see=lambda net, pixels: net.img_encoder(pixels),
        split=lambda texts: side.tokenizer(texts, _LONGEST),
        read=_read,
    )
    return LoadedModel(
        name="gloria",
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), side.sha256]),
        size=SIZE,
        trained_on="CheXpert: images and reports (GLoRIA's release)",
        saw_images=True,
        template=None,
        backbone=lambda: resnet_backbone(trunk, standardise),
        device=device,
    )


def _read(network: Any, tokens: Tokens) -> Tensor:  # noqa: ANN401 - a Gloria
    return network.text_encoder(tokens["ids"], tokens["mask"])
