"""Weights from files, never as a program: medfilip-model's reader, with this package's errors."""

from collections.abc import Sequence
from pathlib import Path

from medfilip_model.errors import ConfigError
from medfilip_model.towers.hub import hub_file, hub_folder, url_file
from medfilip_model.towers.weights import Source, State, load_exactly, read_state
from torch import nn

from medfilip_bench.errors import ModelError


def read_weights(spec: str, path: Path) -> State:
    """Read the tensors of a file.

    Args:
        spec: The model, for the message.
        path: A .safetensors file, or a .pt, .pth or .bin file that holds tensors alone.

    Raises:
        ModelError: If it cannot be read, or holds anything that could run code.
    """
    try:
        return read_state(Source(path, spec))
    except ConfigError as error:
        raise ModelError(str(error)) from error


def fit(spec: str, path: Path, network: nn.Module, state: State) -> None:
    """Load weights into a network; every one of the network's must be there, and no other.

    Args:
        spec: The model, for the message.
        path: Where the weights are from.
        network: The network.
        state: Names and tensors.

    Raises:
        ModelError: If names or shapes differ; the first three are named.
    """
    try:
        load_exactly(network, state, Source(path, spec))
    except ConfigError as error:
        raise ModelError(str(error)) from error


def fetched(spec: str, repository: str, names: Sequence[str], instead: str) -> Path:
    """Find a file of a hub repository: in the local cache, else fetched.

    Args:
        spec: The model, for the message.
        repository: OWNER/NAME.
        names: The file's possible names, the wanted one first.
        instead: How a local file is given: ``"timm:resnet50@FILE"``.

    Raises:
        ModelError: If it is not to be had; the message says how to get it.
    """
    try:
        return hub_file(repository, names, setting=spec)
    except ConfigError as error:
        raise ModelError(
            f"{spec!r}: {names[0]!r} of {repository!r} is not in the local hub cache and the hub "
            f"does not give it; on a connected machine run 'hf download {repository} {names[0]}', "
            f"copy the file here and give {instead!r}"
        ) from error


def fetched_address(spec: str, address: str, instead: str) -> Path:
    """Find a file that a library publishes by address: in torch's cache, else fetched.

    Args:
        spec: The model, for the message.
        address: As the library names it.
        instead: How a local file is given.

    Raises:
        ModelError: If it is not to be had; the message says how to get it.
    """
    try:
        return url_file(address, setting=spec)
    except ConfigError as error:
        raise ModelError(
            f"{spec!r}: the weights {address.rpartition('/')[2]!r} are not in torch's cache and "
            f"cannot be fetched; on a connected machine run 'curl -LO {address}', copy the file "
            f"here and give {instead!r}"
        ) from error


def side_files(spec: str, name: str, instead: str) -> Path:
    """Find the folder with a model's configuration and tokenizer: given, cached, or fetched.

    Args:
        spec: The model, for the message.
        name: A folder, or a repository OWNER/NAME.
        instead: How a local folder is given: ``"medclip:FILE,text=FOLDER"``.

    Raises:
        ModelError: If it is not to be had; the message says how to get it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    path = Path(name).expanduser()
    if path.is_dir():
        return path
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except HFValidationError as error:
        raise ModelError(
            f"{spec!r}: {name!r} is neither a folder nor a name of a hub; give {instead!r}"
        ) from error
    except LocalEntryNotFoundError:
        pass
    try:
        return hub_folder(name, setting=spec)
    except ConfigError as error:
        raise ModelError(
            f"{spec!r}: {name!r} is not in the local hub cache and the hub does not give it; on a "
            f"connected machine run 'hf download {name}', copy its folder here and give {instead!r}"
        ) from error
