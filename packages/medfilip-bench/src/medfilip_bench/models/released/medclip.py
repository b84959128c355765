"""MedCLIP (Wang et al. 2022): ResNet50 or Swin-tiny, and BioClinicalBERT, in 512 dimensions."""

from collections.abc import Callable
from typing import Any

import torch
from medfilip_model.towers.weights import State
from torch import Tensor, nn

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.backbones import timm_backbone
from medfilip_bench.models.base import Backbone, LoadedModel
from medfilip_bench.models.dual import DualEncoder, Tokens
from medfilip_bench.models.identity import hash_weights, slug
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.released.resnet import blocks, resnet, resnet_backbone
from medfilip_bench.models.released.swin import swin, swin_state
from medfilip_bench.models.released.text import CLINICAL_BERT, bert, masked_sum, text_side
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import fit, read_weights

SIZE = 224
_MEAN, _DEVIATION = 0.5862785803043838, 0.27950088968644304
_LONGEST = 77
_TRUNK, _SWIN_HEAD = "vision_model.model.", "vision_model.projection_head.weight"


class _Text(nn.Module):
    """BERT; a text is the mean over tokens of its first, second and last layer, projected."""

    def __init__(self, config: Any, embed: int) -> None:  # noqa: ANN401 - transformers' own
        super().__init__()
        self.model = bert(config, pooler=True)
        self.projection_head = nn.Linear(config.hidden_size, embed, bias=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        hidden = self.model(ids, mask, output_hidden_states=True).hidden_states
        layers = torch.stack([hidden[1], hidden[2], hidden[-1]]).mean(dim=0)
        # The release averages over what fills a batch up too, so that a text's embedding depends on
        # its neighbours; here each text has the one that it has alone.
        return self.projection_head(masked_sum(layers, mask) / mask.sum(dim=1, keepdim=True))


class _Swin(nn.Module):
    """A Swin transformer, its mean over places projected."""

    def __init__(self, network: Any, embed: int) -> None:  # noqa: ANN401 - timm's models are untyped
        super().__init__()
        self.model = network
        self.projection_head = nn.Linear(network.num_features, embed, bias=False)

    def forward(self, pixels: Tensor) -> Tensor:
        return self.projection_head(self.model(pixels))


class _ResNet(nn.Module):
    """A ResNet whose last layer is the projection."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.model = network

    def forward(self, pixels: Tensor) -> Tensor:
        return self.model(pixels)


class MedClip(nn.Module):
    """Both towers, by the names of the release."""

    def __init__(self, vision: nn.Module, text: nn.Module) -> None:
        """Take the towers."""
        super().__init__()
        self.vision_model = vision
        self.text_model = text
        self.logit_scale = nn.Parameter(torch.tensor(0.0))


def load_medclip(argument: str, device: str) -> LoadedModel:
    """Load MedCLIP.

    Args:
        argument: The release's pytorch_model.bin, of the ResNet or of the Swin transformer;
            ``,text=FOLDER`` is where BioClinicalBERT's config.json and vocabulary are.
        device: Where it is put.

    Raises:
        ModelError: If a file is missing or refused, or weights do not fit.
    """
    spec = f"medclip:{argument}"
    main, options = split_options("medclip", argument, ("text",))
    path = existing(spec, main, "the release's pytorch_model.bin")
    side = text_side(spec, options.get("text", CLINICAL_BERT))
    state = _todays_names(spec, read_weights(spec, path))
    embed = _embed(spec, state)
    vision = _vision(spec, state, embed)
    network = MedClip(vision, _Text(side.config, embed))
    fit(spec, path, network, state)
    standardise = Standardise([_MEAN] * 3, [_DEVIATION] * 3, SIZE)
    model = DualEncoder(
        network,
        standardise,
        see=lambda net, pixels: net.vision_model(pixels),
        split=lambda texts: side.tokenizer(texts, _LONGEST),
        read=_read,
    )
    return LoadedModel(
        name=slug(f"medclip-{'swin' if isinstance(vision, _Swin) else 'resnet'}"),
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), side.sha256]),
        size=SIZE,
        trained_on="MIMIC-CXR and CheXpert: images and texts (MedCLIP's release)",
        saw_images=True,
        template=None,
        backbone=_backbone(vision, standardise),
        device=device,
    )


def _read(network: Any, tokens: Tokens) -> Tensor:  # noqa: ANN401 - a MedClip
    return network.text_model(tokens["ids"], tokens["mask"])


def _embed(spec: str, state: State) -> int:
    projection = state.get("text_model.projection_head.weight")
    if projection is None:
        raise ModelError(
            f"{spec!r}: the file has no 'text_model.projection_head.weight': it is no MedCLIP"
        )
    return len(projection)


def _todays_names(spec: str, state: State) -> State:
    if _SWIN_HEAD not in state:
        return state
    inside = {k.removeprefix(_TRUNK): v for k, v in state.items() if k.startswith(_TRUNK)}
    others = {k: v for k, v in state.items() if not k.startswith(_TRUNK)}
    return others | {f"{_TRUNK}{k}": v for k, v in swin_state(spec, inside).items()}


def _vision(spec: str, state: State, embed: int) -> "_Swin | _ResNet":
    if _SWIN_HEAD in state:
        inside = {k.removeprefix(_TRUNK): v for k, v in state.items() if k.startswith(_TRUNK)}
        return _Swin(swin(spec, inside, SIZE), embed)
    kind, counts = blocks(spec, state, _TRUNK)
    return _ResNet(resnet(kind, counts, nn.Linear(512 * kind.expansion, embed, bias=False)))


def _backbone(vision: "_Swin | _ResNet", standardise: Standardise) -> Callable[[], Backbone]:
    trunk: Any = vision.model
    if isinstance(vision, _ResNet):
        return lambda: resnet_backbone(trunk, standardise)
    state: State = trunk.state_dict()
    return lambda: timm_backbone(trunk, standardise, lambda: swin("medclip", state, SIZE))
