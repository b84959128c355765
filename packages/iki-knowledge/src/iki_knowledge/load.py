"""Reads the dictionary: the packaged files, then a user's overlays. The only IO of the package."""

import hashlib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from iki_knowledge.assemble import assemble
from iki_knowledge.errors import KnowledgeFileError
from iki_knowledge.knowledge import KnowledgeBase
from iki_knowledge.spot import Source

if TYPE_CHECKING:
    import yaml


def load_knowledge(*overlays: Path) -> KnowledgeBase:
    """Load the packaged dictionary, with a user's files on top.

    An overlay is a YAML file in the form of the packaged ones. A category that exists keeps the
    fields that the overlay does not name (``add_aliases`` adds to its aliases); a new one is added.

    Args:
        *overlays: YAML files, applied in order.

    Returns:
        The dictionary. Without overlays the same object is returned each time.

    Raises:
        KnowledgeFileError: When a file cannot be read or does not fit; the message names the
            file and the value.
    """
    packaged = _packaged()
    if not overlays:
        return packaged
    texts = [_read(Path(path)) for path in overlays]
    sources = [
        _parse(str(path), text, overlay=True) for path, text in zip(overlays, texts, strict=True)
    ]
    digest = hashlib.sha256("\0".join(texts).encode()).hexdigest()[:8]
    return assemble([*_packaged_sources(), *sources], version_suffix=f"+overlay.{digest}")


@cache
def _packaged() -> KnowledgeBase:
    return assemble(_packaged_sources())


@cache
def _packaged_sources() -> tuple[Source, ...]:
    folder = resources.files("iki_knowledge") / "data"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".yaml")), key=lambda f: f.name
    )
    return tuple(_parse(file.name, file.read_text("utf-8")) for file in files)


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise KnowledgeFileError(f"cannot read {str(path)!r}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise KnowledgeFileError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error


def _parse(name: str, text: str, *, overlay: bool = False) -> Source:
    import yaml  # a sixth of the import time of the package, for those who load no file

    try:
        data = yaml.load(text, _loader())
    except KnowledgeFileError as error:
        raise KnowledgeFileError(f"{name}:{error}") from error
    except yaml.MarkedYAMLError as error:
        # A file that breaks off is marked one line past its end.
        last = len(text.splitlines())
        line = f":{min(error.problem_mark.line + 1, last)}" if error.problem_mark else ""
        begun = error.context_mark
        inside = f", in what begins on line {begun.line + 1}" if begun else ""
        raise KnowledgeFileError(
            f"{name}{line}: not valid YAML: {error.problem}{inside}"
        ) from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise KnowledgeFileError(f"{name}: not valid YAML: {problem}") from error
    return Source(name, {} if data is None else data, overlay, text)


@cache
def _loader() -> Any:  # noqa: ANN401 - which class it derives from is known at run time only
    """Safe YAML that refuses a key written twice, which YAML would silently let win."""
    import yaml

    # libyaml is about ten times faster; PyYAML is built without it on some platforms.
    base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        def construct_mapping(self, node: "yaml.MappingNode", deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if str(key.value) in seen:
                    line = key.start_mark.line + 1
                    raise KnowledgeFileError(f"{line}: key {key.value!r} is written twice")
                seen.add(str(key.value))
            return super().construct_mapping(node, deep=deep)

    return Loader
