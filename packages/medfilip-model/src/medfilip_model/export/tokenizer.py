"""The text tower's tokenizer as one tokenizer.json, which the tokenizers library reads alone."""

from pathlib import Path
from typing import Any, cast

from medfilip_model.export.encoders import PROBES
from medfilip_model.export.result import ExportError
from medfilip_model.model import MedFILIP

NAME = "tokenizer.json"


def write_tokenizer(folder: Path, model: MedFILIP) -> None:
    """Write a tokenizer whose ids are those that the model reads: cut and padded as it is.

    Args:
        folder: Where to.
        model: The model.

    Raises:
        ExportError: If there is none for this tower, or it splits a probe in another way.
    """
    from tokenizers import Tokenizer

    text = model.text
    own = model.tokenizer
    made = _bert(str(text.name)) if text.kind == "hf" else _clip()
    made.enable_truncation(max_length=own.context)
    made.enable_padding(pad_id=own.pad, pad_token=made.id_to_token(own.pad))
    path = folder / NAME
    made.save(str(path))
    found = [encoded.ids for encoded in Tokenizer.from_file(str(path)).encode_batch(list(PROBES))]
    if found != own(PROBES).tolist():
        raise ExportError(
            f"tokenizer.json does not split texts as the text tower {text.kind!r} "
            f"{text.name or ''!r} reads them; nothing was written"
        )


def _bert(folder: str) -> Any:  # noqa: ANN401 - tokenizers has no types
    from medfilip_model.towers.bert import model_folder, read_folder

    _, tokens = read_folder(model_folder(folder))
    backend = getattr(tokens, "backend_tokenizer", None)
    if backend is None:
        raise ExportError(
            f"the tokenizer of {folder!r} is none of the tokenizers library, so that it cannot be "
            "written as tokenizer.json; only --to hub-folder and timm can be exported"
        )
    # A copy: cutting and padding are set on it.
    return type(backend).from_str(backend.to_str())


def _clip() -> Any:  # noqa: ANN401 - as above
    import open_clip.tokenizer
    from transformers import CLIPTokenizer

    bpe = cast(Any, open_clip.tokenizer.SimpleTokenizer())
    merges = sorted(bpe.bpe_ranks, key=bpe.bpe_ranks.get)
    tokens = CLIPTokenizer(
        vocab=dict(bpe.encoder),
        merges=merges,
        bos_token="<start_of_text>",
        eos_token="<end_of_text>",
        unk_token="<end_of_text>",
        pad_token="!",
    )
    return cast(Any, tokens).backend_tokenizer
