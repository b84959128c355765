import json
import shutil
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from huggingface_hub import constants
from ssm import EncoderError, EncoderUnavailableError, load_encoder
from ssm.encoders import hub
from ssm.encoders.hub import cached_folder, model_folder

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = "owner/tiny"


def point_to(monkeypatch, address):
    monkeypatch.setenv("HF_ENDPOINT", address)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)


def put_in_cache(folder, cache):
    """Lay a model out as the hub's client does."""
    repo = Path(cache) / "models--owner--tiny"
    shutil.copytree(folder, repo / "snapshots" / COMMIT)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text(COMMIT)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "hub-cache"  # where conftest points the client


@pytest.fixture
def silent_hub(monkeypatch):
    """Takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        point_to(monkeypatch, f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(hub, "HUB_TIMEOUT_S", 0.5)
        yield


@pytest.fixture
def hub_with(monkeypatch, tiny_bert, tmp_path):
    """A hub on this machine that serves one model from a folder; lists what was asked for."""
    folder = shutil.copytree(tiny_bert, tmp_path / "served")
    (folder / "pytorch_model.bin").write_bytes(b"must not be fetched")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_bytes(b"must not be fetched")
    asked = []

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self.do_GET()

        def do_GET(self):
            path = self.path.split("?")[0]
            files = {
                file.relative_to(folder).as_posix(): file.stat().st_size
                for file in folder.rglob("*")
                if file.is_file()
            }
            if path.startswith(f"/api/models/{MODEL}/tree/"):
                tree = [
                    {"type": "file", "path": name, "size": size, "oid": "0" * 40}
                    for name, size in files.items()
                ]
                return self.answer(json.dumps(tree).encode())
            if path.startswith(f"/api/models/{MODEL}"):
                siblings = [{"rfilename": name} for name in files]
                model = {"id": MODEL, "sha": COMMIT, "siblings": siblings}
                return self.answer(json.dumps(model).encode())
            name = path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/")
            if self.command == "GET":
                asked.append(name)
            if not (folder / name).is_file():
                return self.send_error(404)
            return self.answer((folder / name).read_bytes())

        def answer(self, body):
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("ETag", f'"{abs(hash(body))}"')
            self.send_header("X-Repo-Commit", COMMIT)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    point_to(monkeypatch, f"http://127.0.0.1:{server.server_port}")
    yield folder, asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_folder_is_taken_as_it_is(tiny_bert):
    assert model_folder("hf:x", str(tiny_bert)) == tiny_bert.resolve()


def test_a_download_takes_one_kind_of_weights_and_is_kept(hub_with, tiny_bert):
    folder, asked = hub_with
    first = load_encoder(f"hf:{MODEL}", device="cpu")
    assert "model.safetensors" in asked
    assert not {"pytorch_model.bin", "onnx/model.onnx"} & set(asked)
    assert first.fingerprint == load_encoder(f"hf:{tiny_bert}", device="cpu").fingerprint
    count = len(asked)
    shutil.rmtree(folder)  # the hub forgets: the cached copy is used without asking
    assert load_encoder(f"hf:{MODEL}", device="cpu").fingerprint == first.fingerprint
    assert len(asked) == count


def test_a_hub_without_safetensors_gives_the_other_kind(hub_with):
    folder, asked = hub_with
    (folder / "model.safetensors").unlink()
    with pytest.raises(EncoderError, match="cannot be read"):  # four words, no checkpoint
        load_encoder(f"hf:{MODEL}", device="cpu")
    assert "pytorch_model.bin" in asked


def test_a_hub_copy_that_lacks_files(hub_with):
    folder, _ = hub_with
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    with pytest.raises(EncoderError, match="hub's copy lacks a tokenizer"):
        load_encoder(f"hf:{MODEL}", device="cpu")


def test_a_name_the_hub_does_not_know(hub_with):
    with pytest.raises(
        EncoderUnavailableError, match=r"'hf:owner/other'.*the hub does not give it"
    ):
        load_encoder("hf:owner/other")


def test_a_cached_model_needs_no_hub(tiny_bert, cache, silent_hub):
    put_in_cache(tiny_bert, cache)
    start = time.monotonic()
    encoder = load_encoder(f"hf:{MODEL}", device="cpu")
    assert encoder.name == f"hf:{MODEL}"
    assert time.monotonic() - start < 3


def test_half_a_model_in_the_cache_does_not_count(tiny_bert, cache):
    put_in_cache(tiny_bert, cache)
    assert cached_folder(MODEL) is not None
    next(cache.rglob("model.safetensors")).unlink()
    assert cached_folder(MODEL) is None


def test_a_hub_that_hangs_does_not_hang_us(silent_hub):
    start = time.monotonic()
    with pytest.raises(EncoderUnavailableError, match=r"did not answer|was silent"):
        load_encoder(f"hf:{MODEL}")
    assert time.monotonic() - start < 3


def test_the_wait_is_bounded_by_five_seconds():
    assert hub.HUB_TIMEOUT_S <= 5


def test_a_name_look_up_that_hangs_does_not_hang_us(monkeypatch):
    point_to(monkeypatch, "http://127.0.0.1:1")
    monkeypatch.setattr(hub, "HUB_TIMEOUT_S", 0.2)
    release = threading.Event()
    monkeypatch.setattr(
        "huggingface_hub.HfApi.model_info", lambda *args, **options: release.wait(20)
    )
    start = time.monotonic()
    with pytest.raises(EncoderUnavailableError, match=r"the hub was silent for 0\.2 s"):
        load_encoder(f"hf:{MODEL}")
    assert time.monotonic() - start < 3
    release.set()


def test_a_blocked_socket_counts_as_out_of_reach(monkeypatch):
    point_to(monkeypatch, "http://192.0.2.1")  # pytest-socket refuses it
    with pytest.raises(EncoderUnavailableError) as caught:
        load_encoder(f"hf:{MODEL}")
    message = str(caught.value)
    assert "did not answer" in message
    cache = constants.HF_HUB_CACHE
    for advice in (
        f"'hf download {MODEL}'",
        f"copy the folder 'models--owner--tiny' of its hub cache into '{cache}'",
        "config.json, model.safetensors (or pytorch_model.bin), tokenizer.json (or vocab.txt) into",
        "'hf:FOLDER'",
    ):
        assert advice in message


def test_the_advice_is_right(tiny_bert, cache, monkeypatch, tmp_path):
    """A copied cache folder, and a folder with the three files, both load."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderUnavailableError):
        load_encoder(f"hf:{MODEL}", device="cpu")
    put_in_cache(tiny_bert, cache)
    assert load_encoder(f"hf:{MODEL}", device="cpu").dim == 16
    (tmp_path / "own").mkdir()
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(tiny_bert / name, tmp_path / "own")
    assert load_encoder(f"hf:{tmp_path / 'own'}", device="cpu").dim == 16


@pytest.mark.parametrize("kind", ["hf", "st"])
def test_offline_mode_is_respected(monkeypatch, hub_with, kind):
    _, asked = hub_with
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EncoderUnavailableError, match=f"HF_HUB_OFFLINE is set.*'{kind}:FOLDER'"):
        load_encoder(f"{kind}:{MODEL}")
    assert not asked


@pytest.mark.parametrize("model", ["./nowhere", "/no/such/folder", "a/b/c", "~/nowhere"])
def test_a_path_that_is_not_there(model):
    with pytest.raises(EncoderUnavailableError, match="there is no folder"):
        load_encoder(f"hf:{model}")


def test_a_file_is_no_model(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(EncoderError, match="is a file, give the model's folder"):
        load_encoder(f"hf:{tmp_path / 'model.safetensors'}")
