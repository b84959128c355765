import gc
import multiprocessing
import multiprocessing.forkserver
import time

import pytest
import torch
from ssm import EncoderError, load_encoder
from ssm.encoders.workers import Workers

WORDS = ["a", "the", "dog", "cat", "car", "red", "blue", "small", "on", "beach", "snow", "runs"]
TEXTS = [" ".join(WORDS[i % 12 : i % 12 + 1 + i % 6]) + f" {WORDS[i % 7]}" for i in range(70)]


class Model:
    """Stands in for a SentenceTransformer; its pool is a word."""

    def __init__(self, failure=None):
        self.failure = failure
        self.started = []
        self.stopped = []

    def start_multi_process_pool(self, devices):
        self.started.append(devices)
        return f"pool {len(self.started)}"

    def stop_multi_process_pool(self, pool):
        self.stopped.append(pool)

    def encode(self, texts, *, pool, batch_size, chunk_size, **options):
        assert pool == f"pool {len(self.started)}"
        assert batch_size == chunk_size
        if self.failure is not None:
            raise self.failure
        return torch.ones(len(texts), 2)


def workers_of(model):
    return Workers("x", [torch.device("cpu"), torch.device("cuda:1")], lambda: model)


def test_the_pool_starts_at_its_first_use_and_stays():
    model = Model()
    workers = workers_of(model)
    assert model.started == []
    for _ in range(2):
        assert workers.vectors(["a", "b"], batch_size=1).shape == (2, 2)
    assert model.started == [["cpu", "cuda:1"]]
    assert model.stopped == []


def test_it_stops_when_closed_and_starts_anew():
    model = Model()
    workers = workers_of(model)
    workers.close()
    workers.vectors(["a"], batch_size=1)
    workers.close()
    workers.close()
    assert model.stopped == ["pool 1"]
    workers.vectors(["a"], batch_size=1)
    assert len(model.started) == 2


def test_it_stops_when_forgotten():
    model = Model()
    workers = workers_of(model)
    workers.vectors(["a"], batch_size=1)
    del workers
    gc.collect()
    assert model.stopped == ["pool 1"]


@pytest.mark.parametrize(
    "failure", [ValueError("x"), KeyboardInterrupt(), torch.OutOfMemoryError()]
)
def test_it_stops_when_encoding_fails(failure):
    model = Model(failure)
    workers = workers_of(model)
    with pytest.raises(type(failure)):
        workers.vectors(["a"], batch_size=1)
    assert model.stopped == ["pool 1"]


def test_processes_that_died_are_an_error_of_ours():
    model = Model(RuntimeError("1 multi-process pool worker(s) died unexpectedly: pid 7"))
    with pytest.raises(EncoderError, match=r"devices=\['cpu', 'cuda:1'\] died .*__main__"):
        workers_of(model).vectors(["a"], batch_size=1)
    assert model.stopped == ["pool 1"]


def test_a_start_that_fails_half_way_leaves_no_process(monkeypatch):
    class Half(Model):
        def start_multi_process_pool(self, devices):
            process = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
            process.start()
            raise OSError("no more processes")

    with pytest.raises(OSError, match="no more"):
        workers_of(Half()).vectors(["a"], batch_size=1)
    deadline = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not multiprocessing.active_children()


@pytest.fixture(scope="module")
def forked():
    """Processes that come of one which has imported what each would import anew, in seconds."""
    import torch.multiprocessing

    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["sentence_transformers"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.multiprocessing, "get_context", {"spawn": context}.__getitem__)
        yield
    multiprocessing.forkserver._forkserver._stop()


@pytest.mark.slow
@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("kind", ["hf", "st"])
def test_two_processes_equal_one(tiny_bert, kind):
    one = load_encoder(f"{kind}:{tiny_bert}", device="cpu")
    two = load_encoder(f"{kind}:{tiny_bert}", devices=["cpu", "cpu"])
    assert two.fingerprint == one.fingerprint
    expected = one.encode(TEXTS)
    try:
        found = two.encode(TEXTS, batch_size=3)
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
        processes = multiprocessing.active_children()
        assert len(processes) >= 2
        torch.testing.assert_close(two.encode(TEXTS[::-1]), expected.flip(0), atol=1e-5, rtol=0)
        assert multiprocessing.active_children() == processes
        for process in processes:
            process.kill()
        with pytest.raises(EncoderError, match="a process of devices"):
            two.encode(TEXTS)
        assert not multiprocessing.active_children()
    finally:
        two.close()


def test_lexical_has_no_use_for_devices():
    with pytest.raises(EncoderError, match="'lexical' has no weights: leave out dtype and devices"):
        load_encoder("lexical", devices=["cpu", "cpu"])
    with pytest.raises(EncoderError, match="leave out dtype"):
        load_encoder("lexical", dtype="bfloat16")
    assert load_encoder("lexical", devices=["cpu"], dtype="float32").dim == 2048


def test_the_minilm_package_too(minilm):
    two = load_encoder("minilm", devices=["cpu", "cpu"])
    assert two.workers is not None
    assert two.fingerprint == minilm.fingerprint
    two.close()


def test_several_devices_need_sentence_transformers(tiny_bert, monkeypatch):
    import importlib.util

    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: None if name == "sentence_transformers" else find(name),
    )
    assert load_encoder(f"hf:{tiny_bert}", device="cpu").workers is None
    with pytest.raises(EncoderError, match=r"install 'medfilip-ssm\[st\]'"):
        load_encoder(f"hf:{tiny_bert}", devices=["cpu", "cpu"])
