"""BioViL (Boecking et al. 2022): ResNet50 and CXR-BERT, in 128 dimensions."""

from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.dual import DualEncoder, Tokens
from medfilip_bench.models.identity import hash_weights
from medfilip_bench.models.pixels import Standardise
from medfilip_bench.models.released.resnet import blocks, resnet, resnet_backbone, stages
from medfilip_bench.models.released.text import bert, folder_weights, text_side
from medfilip_bench.models.spec import existing, split_options
from medfilip_bench.models.weights import fit, read_weights

CXR_BERT = "microsoft/BiomedVLP-CXR-BERT-specialized"
SIZE = 480
_LONGEST = 512
# The classifier of ImageNet, which is not read, and the head that fills in words.
_UNUSED = ("encoder.encoder.fc.", "cls.", "bert.pooler.")


class _Encoder(nn.Module):
    """A ResNet, one name deeper as in the release."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.encoder = network


class _Projector(nn.Module):
    """Two layers over each place of the map."""

    def __init__(self, channels: int, hidden: int, embed: int) -> None:
        super().__init__()
        self.model = nn.Sequential(
            nn.Conv2d(channels, hidden, kernel_size=1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU(),
            nn.Conv2d(hidden, embed, kernel_size=1),
        )


class BioVilImage(nn.Module):
    """The image tower, by the names of the release."""

    def __init__(self, network: nn.Module, channels: int, hidden: int, embed: int) -> None:
        """Take a ResNet and the sizes of the projection."""
        super().__init__()
        self.encoder = _Encoder(network)
        self.projector = _Projector(channels, hidden, embed)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return the mean of the projections of all places."""
        grid = stages(self.encoder.encoder, pixels)[-1]
        return self.projector.model(grid).mean(dim=(2, 3))


class _Head(nn.Module):
    """The projection of a text's first token."""

    def __init__(self, width: int, embed: int) -> None:
        super().__init__()
        self.dense_to_hidden = nn.Linear(width, embed)
        self.LayerNorm = nn.LayerNorm(embed, eps=1e-12)
        self.dense_to_output = nn.Linear(embed, embed)

    def forward(self, first: Tensor) -> Tensor:
        hidden = functional.gelu(self.dense_to_hidden(first))
        return self.dense_to_output(self.LayerNorm(hidden))


class CxrBert(nn.Module):
    """The text tower, by the names of the release."""

    def __init__(self, config: Any, embed: int) -> None:  # noqa: ANN401 - transformers' own
        """Take the sizes of the BERT and of the projection."""
        super().__init__()
        self.bert = bert(config, pooler=False)
        self.cls_projection_head = _Head(config.hidden_size, embed)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Embed texts."""
        return self.cls_projection_head(self.bert(ids, mask).last_hidden_state[:, 0])


class _Both(nn.Module):
    def __init__(self, image: nn.Module, text: nn.Module) -> None:
        super().__init__()
        self.image, self.text = image, text


def load_biovil(argument: str, device: str) -> LoadedModel:
    """Load BioViL.

    Args:
        argument: The release's biovil_image_resnet50_proj_size_128.pt; ``,text=FOLDER`` is where
            CXR-BERT's (specialized) config.json, vocabulary and weights are. The Python code that
            comes with that folder is not run.
        device: Where it is put.

    Raises:
        ModelError: If a file is missing or refused, or weights do not fit.
    """
    spec = f"biovil:{argument}"
    main, options = split_options("biovil", argument, ("text",))
    path = existing(spec, main, "the release's biovil_image_resnet50_proj_size_128.pt")
    side = text_side(spec, options.get("text", CXR_BERT))
    state = {k: v for k, v in read_weights(spec, path).items() if not k.startswith(_UNUSED)}
    kind, counts = blocks(spec, state, "encoder.encoder.")
    first, last = (state.get(f"projector.model.{k}.weight") for k in (0, 3))
    if first is None or last is None:
        raise ModelError(f"{spec!r}: the file has no 'projector.model': it is no BioViL")
    trunk = resnet(kind, counts)
    image = BioVilImage(trunk, 512 * kind.expansion, len(first), len(last))
    fit(spec, path, image, state)
    text_path, text_state = folder_weights(spec, side)
    text = CxrBert(side.config, int(side.content.get("projection_size", len(last))))
    fit(
        spec,
        text_path,
        text,
        {k: v for k, v in text_state.items() if not k.startswith(_UNUSED)},
    )
    # Pixels of 0..1, without a mean taken off.
    standardise = Standardise([0.0] * 3, [1.0] * 3, SIZE)
    network = _Both(image, text)
    model = DualEncoder(
        network,
        standardise,
        see=lambda net, pixels: net.image(pixels),
        split=lambda texts: side.tokenizer(texts, _LONGEST),
        read=_read,
    )
    return LoadedModel(
        name="biovil",
        spec=spec,
        model=model.eval().to(device),
        sha256=hash_of([hash_weights(network), side.sha256]),
        size=SIZE,
        trained_on="MIMIC-CXR: images and reports (BioViL's release)",
        saw_images=True,
        template=None,
        backbone=lambda: resnet_backbone(trunk, standardise),
        device=device,
    )


def _read(network: Any, tokens: Tokens) -> Tensor:  # noqa: ANN401 - both towers
    return network.text(tokens["ids"], tokens["mask"])
