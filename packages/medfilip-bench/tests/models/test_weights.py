"""Side files of a model: given, cached, or a line that says how to get them."""

import pytest
from medfilip_bench.errors import ModelError
from medfilip_bench.models.weights import fetched, fetched_address, side_files


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A local hub cache with one repository, and no hub."""
    folder = tmp_path / "models--owner--held"
    snapshot = folder / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    (snapshot / "vocab.txt").write_text("a")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return snapshot


def test_a_folder_is_taken_as_it_is(tmp_path):
    assert side_files("x", str(tmp_path), "x,text=FOLDER") == tmp_path


def test_a_cached_repository_needs_no_hub(hub):
    from huggingface_hub import constants, snapshot_download

    found = snapshot_download("owner/held", cache_dir=constants.HF_HUB_CACHE, local_files_only=True)
    assert found == str(hub)
    assert side_files("x", "owner/held", "x,text=FOLDER") == hub


@pytest.mark.parametrize("name", ["/nowhere/at/all", "a b", "a/b/c"])
def test_what_is_neither_a_folder_nor_a_name(name):
    with pytest.raises(ModelError, match="neither a folder nor a name of a hub; give 'other'"):
        side_files("x", name, "other")


def test_what_is_not_cached(hub):
    with pytest.raises(ModelError, match=r"'hf download owner/absent'.* and give 'other'"):
        side_files("x", "owner/absent", "other")
    with pytest.raises(ModelError, match=r"'hf download owner/absent a\.bin'.* and give 'other'"):
        fetched("x", "owner/absent", ["a.bin"], "other")


def test_an_address_that_is_not_to_be_had(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    with pytest.raises(ModelError, match=r"'curl -LO http://127\.0\.0\.1:9/a\.pth'.* give 'other'"):
        fetched_address("x", "http://127.0.0.1:9/a.pth", "other")
