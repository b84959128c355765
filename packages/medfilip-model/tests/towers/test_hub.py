from pathlib import Path

import pytest
import torch
from medfilip_model.errors import ConfigError
from medfilip_model.towers import hub

SETTING = "model.image.weights"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache with one repository, laid out as the client does."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    snapshot = tmp_path / "models--owner--net" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (snapshot.parents[1] / "refs").mkdir()
    (snapshot.parents[1] / "refs" / "main").write_text("abc")
    (snapshot / "weights.bin").write_bytes(b"x")
    (snapshot / "config.json").write_text("{}")
    return snapshot


def test_a_file_of_the_cache_needs_no_network(cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(hub, "_files_on_hub", lambda repository: pytest.fail("asked the hub"))
    found = hub.hub_file("owner/net", ["weights.safetensors", "weights.bin"], setting=SETTING)
    assert found == cache / "weights.bin"


@pytest.mark.usefixtures("cache")
def test_a_file_that_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ConfigError, match=r"is not in the local hub cache and cannot be fetched"):
        hub.hub_file("owner/other", ["w.safetensors"], setting=SETTING)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ConfigError, match=r"HF_HUB_OFFLINE is set") as caught:
        hub.hub_file("owner/other", ["w.safetensors"], setting=SETTING, advice=" and so on")
    for part in ("hf download owner/other w.safetensors", "models--owner--other", "FILE and so on"):
        assert part in str(caught.value)
    monkeypatch.setattr(hub, "_files_on_hub", lambda repository: (["README.md"], ""))
    with pytest.raises(ConfigError, match=r"the hub's copy has no such file"):
        hub.hub_file("owner/other", ["w.safetensors"], setting=SETTING)


def test_a_hub_that_hangs_is_left(monkeypatch: pytest.MonkeyPatch):
    import threading

    import huggingface_hub

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(hub, "_TIMEOUT", 0.05)
    never = threading.Event()
    monkeypatch.setattr(
        huggingface_hub.HfApi, "model_info", lambda self, name, timeout: never.wait(5)
    )
    with pytest.raises(ConfigError, match=r"the hub was silent for 0\.05 s"):
        hub.hub_file("owner/slow", ["w.safetensors"], setting=SETTING)
    never.set()


def test_a_folder_needs_a_tokenizer(cache: Path):
    with pytest.raises(ConfigError, match=r"'owner/net' is not in the local hub cache"):
        hub.hub_folder("owner/net", setting="model.text.name")
    (cache / "vocab.txt").touch()
    assert hub.hub_folder("owner/net", setting="model.text.name") == cache
    with pytest.raises(ConfigError, match=r"neither a folder nor a hub name"):
        hub.hub_folder("no such//name", setting="model.text.name")


def test_a_file_with_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    fetched: list[tuple[str, str | None]] = []

    def fetch(url: str, path: str, digest: str | None, progress: bool):
        del progress
        fetched.append((url, digest))
        Path(path).touch()

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in range(2):
        found = hub.url_file("https://example.org/net-0123abcd.pth", setting=SETTING)
    assert found == tmp_path / "checkpoints" / "net-0123abcd.pth"
    assert fetched == [("https://example.org/net-0123abcd.pth", "0123abcd")]
