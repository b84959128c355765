"""BERT-like text towers of the releases: configuration and tokenizer from a folder, no code run."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from medfilip_model.towers.weights import State
from torch import Tensor

from medfilip_bench.errors import ModelError
from medfilip_bench.files import hash_of
from medfilip_bench.models.dual import Tokens
from medfilip_bench.models.weights import fetched, read_weights, side_files

CLINICAL_BERT = "emilyalsentzer/Bio_ClinicalBERT"
# What decides the network; what else a config.json says, such as code of its own, is not read.
_SIZES = (
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "num_attention_heads",
    "intermediate_size",
    "hidden_act",
    "max_position_embeddings",
    "type_vocab_size",
    "layer_norm_eps",
    "pad_token_id",
)
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


@dataclass(frozen=True)
class TextSide:
    """What a folder says of a BERT-like text tower.

    Attributes:
        name: The folder or hub name as given.
        folder: The folder.
        config: Sizes of the network.
        content: The whole of config.json.
        tokenizer: Texts, longest length in tokens -> ids and mask.
        sha256: Hash of sizes and vocabulary.
    """

    name: str
    folder: Path
    config: Any
    content: dict[str, Any]
    tokenizer: Callable[[list[str], int], Tokens]
    sha256: str


def text_side(spec: str, name: str) -> TextSide:
    """Read the configuration and the tokenizer of a BERT-like text tower.

    Args:
        spec: The model, for messages.
        name: A folder, or a repository in the local hub cache or on the hub.

    Raises:
        ModelError: If either is not to be had or cannot be read, or they do not fit each other.
    """
    from transformers import BertConfig, BertTokenizer

    folder = side_files(spec, name, f"{spec.partition(',')[0]},text=FOLDER")
    try:
        content: Any = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise TypeError("config.json holds no object")
        config = BertConfig(**{key: content[key] for key in _SIZES if key in content})
        tokens: Any = BertTokenizer.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, TypeError) as error:
        line = str(error).strip().partition("\n")[0]
        raise ModelError(f"{spec!r}: no BERT in {str(folder)!r}: {line}") from error
    if len(tokens) > config.vocab_size:
        raise ModelError(
            f"{spec!r}: the tokenizer in {str(folder)!r} has {len(tokens)} tokens, its config.json "
            f"{config.vocab_size}: they do not belong together"
        )
    longest = int(config.max_position_embeddings)

    def split(texts: list[str], length: int) -> Tokens:
        found = tokens(
            texts,
            padding=True,
            truncation=True,
            max_length=min(length, longest),
            return_tensors="pt",
        )
        return {"ids": found["input_ids"], "mask": found["attention_mask"]}

    content = cast("dict[str, Any]", content)
    sizes = {key: content.get(key) for key in _SIZES}
    sha256 = hash_of([sizes, tokens.get_vocab(), split(["A b"], longest)["ids"].tolist()])
    return TextSide(name, folder, config, content, split, sha256)


def bert(config: Any, *, pooler: bool) -> Any:  # noqa: ANN401 - transformers' classes share no type
    """Make a BERT with random weights.

    Args:
        config: Its sizes.
        pooler: Whether it ends in the layer over the first token that no adapter here reads, and
            some files hold.
    """
    from transformers import BertModel

    return BertModel(config, add_pooling_layer=pooler)


def folder_weights(spec: str, side: TextSide) -> tuple[Path, State]:
    """Read the weights that lie beside a text tower's configuration.

    Raises:
        ModelError: If there are none, or they cannot be read.
    """
    path = next((side.folder / n for n in _WEIGHTS if (side.folder / n).is_file()), None)
    if path is None and Path(side.name).expanduser().is_dir():
        raise ModelError(f"{spec!r}: {side.name!r} has none of {', '.join(_WEIGHTS)}")
    path = path or fetched(spec, side.name, _WEIGHTS, f"{spec.partition(',')[0]},text=FOLDER")
    return path, _todays_names(read_weights(spec, path))


def encoder_part(state: State) -> State:
    """Take the encoder without pooler out of a BERT that has heads."""
    if any(name.startswith("bert.") for name in state):
        state = {k.removeprefix("bert."): v for k, v in state.items() if k.startswith("bert.")}
    return {name: value for name, value in state.items() if not name.startswith("pooler.")}


def masked_sum(hidden: Tensor, mask: Tensor) -> Tensor:
    """Sum over the tokens of each text, what fills it up left out."""
    return (hidden * mask.unsqueeze(-1)).sum(dim=1)


def _todays_names(state: State) -> State:
    """BERT's first release called gains and offsets of its normalisations by Greek letters."""
    letters = {"gamma": "weight", "beta": "bias"}
    renamed: State = {}
    for name, value in state.items():
        stem, dot, last = name.rpartition(".")
        renamed[f"{stem}{dot}{letters.get(last, last)}"] = value
    return renamed
