"""The configuration and tokenizer of a BERT-like text tower, which travel with its weights."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from medfilip_model.checkpoint.files import entry, link, read_verified, write_atomic
from medfilip_model.checkpoint.manifest import TextFiles
from medfilip_model.config import TextTowerConfig

# What transformers reads of a folder, weights aside.
_NAMES = (
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
)


def text_files(config: TextTowerConfig) -> Mapping[str, bytes]:
    """Read the files that a text tower needs beside its weights; none but for a BERT-like one.

    Args:
        config: As the model that is saved reads them: ``MedFILIP.text``.

    Returns:
        Name -> content.

    Raises:
        ConfigError: If they are not to be had.
    """
    if config.kind != "hf":
        return {}
    from medfilip_model.towers.bert import model_folder

    folder = model_folder(config.name)
    return {name: (folder / name).read_bytes() for name in _NAMES if (folder / name).is_file()}


def describe_text(contents: Mapping[str, bytes], folder: str | None = None) -> TextFiles | None:
    """Say what is written: in ``text-<hash>`` unless another name is given; None for nothing."""
    if not contents:
        return None
    files = tuple(entry(name, content) for name, content in contents.items())
    digest = hashlib.sha256("".join(f"{f.file}:{f.sha256};" for f in files).encode()).hexdigest()
    return TextFiles(folder=folder or f"text-{digest[:16]}", files=files)


def write_text(parent: Path, described: TextFiles | None, contents: Mapping[str, bytes]) -> None:
    """Write the files; those that are there already are left, as their folder's name is a hash."""
    if described is None:
        return
    folder = parent / described.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        if not (folder / name).exists():
            write_atomic(folder / name, content)


def link_text(source: Path, target: Path, described: TextFiles | None) -> None:
    """Copy the files to another checkpoint, by hard links where the disk has them."""
    if described is None:
        return
    name = Path(described.folder).name
    (target / name).mkdir(exist_ok=True)
    for file in described.files:
        path = source / name / Path(file.file).name
        if not (target / name / path.name).exists():
            link(path, target / name / path.name)


def verified_text(parent: Path, described: TextFiles | None) -> Path | None:
    """The folder of the files, each compared with its hash; None where there are none.

    Raises:
        CheckpointError: If one cannot be read or is not what was written.
    """
    if described is None:
        return None
    folder = parent / Path(described.folder).name
    for file in described.files:
        read_verified(folder, file)
    return folder
