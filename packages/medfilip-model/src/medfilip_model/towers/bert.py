"""BERT-like text towers of the transformers library, from a folder or the hub."""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from medfilip_model.config import TextTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.hub import hub_file, hub_folder
from medfilip_model.towers.weights import (
    TEXT_SETTING,
    Source,
    State,
    load_exactly,
    local_source,
    read_state,
)

_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
# Their own code passes a mask of this shape on as it is. A row of padding would make them look
# whether it holds any, and the GPU wait for the answer.
_PASS_MASKS = ("bert", "roberta", "xlm-roberta", "electra")


class BertTower(nn.Module):
    """A BERT-like encoder, pooled and projected.

    Attributes:
        model: The encoder of transformers.
        projection: To the space that both towers share.
    """

    def __init__(self, model: Any, pad: int, pooling: Literal["mean", "cls"], embed: int) -> None:  # noqa: ANN401 - transformers' classes share no typed base
        """Take an encoder without pooler."""
        super().__init__()
        self.model = model
        self.pad = pad
        self.pooling = pooling
        self.projection = nn.Linear(model.config.hidden_size, embed, bias=False)

    def forward(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Embed M texts: the mean over their tokens, or their first token."""
        seen = tokens != self.pad
        mask = seen
        if self.model.config.model_type in _PASS_MASKS:
            mask = seen[:, None, None, :].expand(-1, -1, tokens.shape[1], -1)
        hidden = self.model(input_ids=tokens, attention_mask=mask).last_hidden_state
        if self.pooling == "cls":
            return self.projection(hidden[:, 0])
        weights = seen.unsqueeze(-1)
        # In float32: a mean of bfloat16 numbers would be rounded at each step.
        mean = (hidden.float() * weights).sum(dim=1) / weights.sum(dim=1).clamp_min(1)
        return self.projection(mean.to(hidden.dtype))


def bert_tower(config: TextTowerConfig, embed: int, *, load: bool) -> BertTower:
    """Make a BERT-like tower, as `medfilip_model.towers.text_tower` says."""
    from transformers import AutoModel

    folder = model_folder(config.name)
    about, tokens = read_folder(folder)
    limit = min(int(tokens.model_max_length), _positions(about))
    if config.context > limit:
        raise ConfigError(
            f"model.text.context = {config.context}: {config.name!r} reads {limit} tokens; give "
            f"'--set model.text.context={limit}'"
        )
    if len(tokens) > about.vocab_size:
        raise ConfigError(
            f"model.text.name = {config.name!r}: its tokenizer has {len(tokens)} tokens, its model "
            f"{about.vocab_size}: they do not belong together"
        )
    model = AutoModel.from_config(about, attn_implementation="sdpa", dtype=torch.float32)
    if model.main_input_name != "input_ids":
        raise _other_kind(config.name, about)
    # Not used, and what has no gradient stops data-parallel training.
    model.pooler = None
    if load and config.weights is not None:
        source = _source(config, folder)
        load_exactly(model, _encoder_part(read_state(source), model.base_model_prefix), source)
    return BertTower(model, tokens.pad_token_id, config.pooling, embed)


def model_folder(name: str | None) -> Path:
    """The folder with a model's config.json and tokenizer: given, in the hub cache, or fetched.

    Raises:
        ConfigError: If it is not to be had.
    """
    if name is None:
        raise ConfigError("model.text.kind = 'hf' needs model.text.name: a folder or a hub name")
    path = Path(name).expanduser()
    if path.is_dir():
        return path
    if path.exists() or name.count("/") > 1 or name.startswith(("/", ".", "~")):
        raise ConfigError(f"model.text.name = {name!r} is no folder")
    return hub_folder(name, setting="model.text.name")


def read_folder(folder: Path) -> tuple[Any, Any]:
    """The configuration and the tokenizer of a folder; no code that comes with it is run.

    Raises:
        ConfigError: If either cannot be read, or is of another kind.
    """
    from transformers import AutoConfig, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        _refuse_own_code(folder)
        about = AutoConfig.from_pretrained(folder, **options)
        tokens = AutoTokenizer.from_pretrained(folder, **options)
    except (OSError, ValueError, KeyError, ImportError) as error:
        line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(f"model.text.name: {str(folder)!r} cannot be read: {line}") from error
    if about.is_encoder_decoder or not hasattr(about, "hidden_size") or tokens.pad_token_id is None:
        raise _other_kind(str(folder), about)
    return about, tokens


def _refuse_own_code(folder: Path) -> None:
    for name in ("config.json", "tokenizer_config.json"):
        path = folder / name
        if path.is_file() and json.loads(path.read_bytes()).get("auto_map"):
            raise ValueError(f"{name} asks for Python code of its own, which is never run")


def _positions(about: Any) -> int:  # noqa: ANN401 - as above
    positions = int(getattr(about, "max_position_embeddings", None) or 512)
    return positions - 2 if "roberta" in about.model_type else positions


def _source(config: TextTowerConfig, folder: Path) -> Source:
    assert config.weights is not None
    if config.weights != "pretrained":
        return local_source(config.weights, TEXT_SETTING, known=("pretrained",))
    for name in _WEIGHTS:
        if (folder / name).is_file():
            return Source(folder / name, TEXT_SETTING)
    if Path(str(config.name)).expanduser().is_dir():
        raise ConfigError(
            f"{TEXT_SETTING}: {str(folder)!r} lacks {' or '.join(_WEIGHTS)}; give a file, or "
            f"'--set {TEXT_SETTING}=none' for random weights"
        )
    return Source(hub_file(str(config.name), _WEIGHTS, setting=TEXT_SETTING), TEXT_SETTING)


def _encoder_part(state: State, prefix: str) -> State:
    """The encoder out of a model with heads, by the names that the library has today."""
    start = f"{prefix}."
    if any(name.startswith(start) for name in state):
        state = {k.removeprefix(start): v for k, v in state.items() if k.startswith(start)}
    # BERT's first release called gains and offsets of its normalisations by their Greek letters.
    letters = {"gamma": "weight", "beta": "bias"}
    renamed: State = {}
    for name, value in state.items():
        stem, dot, last = name.rpartition(".")
        if not name.startswith("pooler."):
            renamed[f"{stem}{dot}{letters.get(last, last)}"] = value
    return renamed


def _other_kind(name: str | None, about: Any) -> ConfigError:  # noqa: ANN401 - as above
    return ConfigError(
        f"model.text.name = {name!r}: a model of kind {about.model_type!r} is no plain text "
        "encoder; use a BERT-like one"
    )
