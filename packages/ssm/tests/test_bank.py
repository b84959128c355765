import dataclasses
import time
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssm import (
    BankError,
    Calibration,
    EncoderError,
    LabelBank,
    SsmError,
    UnknownTextError,
    bank,
    semantic_similarity_matrix,
)

TEXTS = ["a dog", "a cat", "a dog", "a boat", "a cat", "a dog"]


@pytest.fixture
def built(hash_encoder, tmp_path):
    return LabelBank.build(TEXTS, hash_encoder, tmp_path)


def test_build_encodes_each_distinct_text_once_over_all_builds(hash_encoder, tmp_path):
    first = LabelBank.build(TEXTS, hash_encoder, tmp_path)
    assert first.texts == ("a dog", "a cat", "a boat")
    assert hash_encoder.encoded == ["a dog", "a cat", "a boat"]
    second = LabelBank.build(["a kite", "a boat"], hash_encoder, tmp_path)
    assert hash_encoder.encoded == ["a dog", "a cat", "a boat", "a kite"]
    assert second.texts == ("a kite", "a boat")
    torch.testing.assert_close(second.embeddings, hash_encoder.encode(["a kite", "a boat"]))
    assert (second.encoder_name, second.fingerprint) == ("hash", hash_encoder.fingerprint)


def test_each_encoder_has_its_own_cache(hash_encoder, other_encoder, tmp_path):
    LabelBank.build(TEXTS, hash_encoder, tmp_path)
    LabelBank.build(TEXTS, other_encoder, tmp_path)
    assert other_encoder.encoded == ["a dog", "a cat", "a boat"]
    assert len(list(tmp_path.iterdir())) == 2


def test_the_default_cache(hash_encoder, monkeypatch, tmp_path):
    monkeypatch.setenv("MEDFILIP_CACHE", str(tmp_path / "root"))
    LabelBank.build(TEXTS, hash_encoder)
    (folder,) = (tmp_path / "root" / "ssm").iterdir()
    assert hash_encoder.fingerprint.startswith(folder.name)
    monkeypatch.delenv("MEDFILIP_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert bank.default_cache().name == "ssm"
    assert bank.default_cache().parent.name == "medfilip"


def test_no_texts(hash_encoder, tmp_path):
    empty = LabelBank.build([], hash_encoder, tmp_path)
    assert len(empty) == 0
    assert empty.embeddings.shape == (0, 8)
    nothing = torch.zeros(0, dtype=torch.long)
    assert empty.targets(empty.index([]), nothing, n_owners=2).shape == (2, 0)


def test_a_bad_text(hash_encoder, tmp_path):
    with pytest.raises(EncoderError, match="text 1 is empty"):
        LabelBank.build(["a", ""], hash_encoder, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_rebuild_starts_over(hash_encoder, tmp_path):
    LabelBank.build(TEXTS, hash_encoder, tmp_path)
    hash_encoder.encoded.clear()
    (folder,) = tmp_path.iterdir()
    (folder / "manifest.json").write_text("{")
    with pytest.raises(BankError, match=r"is damaged: .*rebuild=True"):
        LabelBank.build(TEXTS, hash_encoder, tmp_path)
    assert hash_encoder.encoded == []
    again = LabelBank.build(TEXTS[:2], hash_encoder, tmp_path, rebuild=True)
    assert hash_encoder.encoded == ["a dog", "a cat"]
    torch.testing.assert_close(again.embeddings, hash_encoder.encode(again.texts))


def in_one_file(tensor):
    """Whether a tensor's memory is a file's."""
    address = tensor.data_ptr()
    for line in Path("/proc/self/maps").read_text().splitlines():
        span, *rest = line.split(maxsplit=5)
        low, high = (int(end, 16) for end in span.split("-"))
        if low <= address < high:
            return rest[-1].endswith(".safetensors")
    return False


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux tells what is mapped")
def test_vectors_are_copied_only_where_the_docstring_says(hash_encoder, tmp_path):
    texts = [f"text {n}" for n in range(100)]
    more = [*texts, "one more"]
    LabelBank.build(texts, hash_encoder, tmp_path)
    assert in_one_file(LabelBank.build(texts, hash_encoder, tmp_path).embeddings)
    assert in_one_file(LabelBank.build(texts[7:9] * 2, hash_encoder, tmp_path).embeddings)
    assert not in_one_file(LabelBank.build(texts[::-1], hash_encoder, tmp_path).embeddings)
    LabelBank.build(more, hash_encoder, tmp_path)
    assert in_one_file(LabelBank.build(texts, hash_encoder, tmp_path).embeddings)
    appended = LabelBank.build(more, hash_encoder, tmp_path)
    assert not in_one_file(appended.embeddings)
    appended.save(tmp_path / "saved")
    loaded = LabelBank.load(tmp_path / "saved")
    assert in_one_file(loaded.embeddings)
    assert loaded.rows is loaded.embeddings


def test_lengths_that_do_not_fit():
    with pytest.raises(SsmError, match="a bank of 1 texts got embeddings of length 2"):
        LabelBank(("a",), torch.eye(2), "x", "x")
    with pytest.raises(SsmError, match="a bank of 2 texts got column 'kind' of length 1"):
        LabelBank(("a", "b"), torch.eye(2), "x", "x", columns={"kind": ("pet",)})


def test_index(built):
    assert built.index(["a boat", "a dog", "a boat"]).tolist() == [2, 0, 2]
    assert built.index([]).dtype == torch.long
    torch.testing.assert_close(
        built.embeddings[built.index(TEXTS)].norm(dim=1), torch.ones(len(TEXTS))
    )


def test_an_unknown_text_is_named_with_near_ones(built):
    with pytest.raises(UnknownTextError, match=r"'a bat' is not in the bank of 3 texts; near ones"):
        built.index(["a dog", "a bat"])
    with pytest.raises(UnknownTextError) as caught:
        built.index(["x" * 500])
    assert len(str(caught.value)) < 200


@pytest.mark.usefixtures("unchecked_shapes")
def test_one_string_is_not_a_sequence_of_texts(built):
    with pytest.raises(UnknownTextError, match="a sequence of texts, got one: 'a dog'"):
        built.index("a dog")


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("wrong", [None, float("nan"), 3, ["a dog"]])
def test_what_is_no_text(built, wrong):
    with pytest.raises(UnknownTextError, match="a text is a string"):
        built.index(["a dog", wrong])


CENTERED = Calibration("center", mean=torch.full((6,), 0.2))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 1)), max_size=10),
    st.sampled_from(["max", "mean", "softmax"]),
    st.sampled_from([Calibration(), Calibration(low=0.25, high=0.75), CENTERED]),
    st.booleans(),
)
def test_targets_equal_the_matrix_of_the_gathered_rows(rows, pool, calibration, own):
    vectors = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))
    vectors = torch.nn.functional.normalize(vectors, dim=1)
    others = calibration if own else Calibration("minmax", low=0.9)
    five = LabelBank(("a", "b", "c", "d", "e"), vectors, "x", "x", others)
    columns = torch.tensor(rows, dtype=torch.long).reshape(-1, 3)
    index, owner, group = columns.unbind(1)
    options = {"group": group, "n_owners": 4, "pool": pool, "temperature": 0.3}
    found = five.targets(index, owner, calibration=None if own else calibration, **options)
    expected = semantic_similarity_matrix(vectors[index], owner, calibration=calibration, **options)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)


def test_the_same_text_of_two_images_fits_both(built):
    found = built.targets(built.index(["a dog", "a cat", "a dog"]), torch.tensor([0, 0, 1]))
    torch.testing.assert_close(found[:, [0, 2]], torch.ones(2, 2))


@pytest.mark.parametrize(
    ("index", "owner", "message"),
    [
        ([3], [0], "index 3 is out of range: the bank has 3 texts"),
        ([-1], [0], "index -1 is out of range"),
        ([0], [-1], "owner -1 is out of range"),
    ],
)
def test_out_of_range(built, index, owner, message):
    with pytest.raises(SsmError, match=message):
        built.targets(torch.tensor(index), torch.tensor(owner))


def test_targets_can_stand_beside_a_gradient(built):
    found = built.targets(built.index(TEXTS), torch.tensor([0, 0, 1, 1, 2, 2]))
    similarity = torch.zeros(3, 6, requires_grad=True)
    (similarity * found).square().sum().backward()
    assert not found.requires_grad


@pytest.mark.parametrize("method", ["none", "minmax", "center", "whiten", "quantile"])
def test_a_calibration_is_saved_with_the_bank(built, tmp_path, method):
    calibrated = built.calibrate(method, share=0.5)
    assert calibrated.calibration.method == method
    assert built.calibration.method == "none"
    calibrated.save(tmp_path / "saved")
    loaded = LabelBank.load(tmp_path / "saved")
    assert loaded.calibration.settings() == calibrated.calibration.settings()
    torch.testing.assert_close(loaded.rows, calibrated.rows, atol=1e-6, rtol=0)
    index, owner = built.index(TEXTS), torch.tensor([0, 0, 1, 1, 2, 2])
    found = loaded.targets(index, owner)
    torch.testing.assert_close(found, calibrated.targets(index, owner), atol=1e-6, rtol=0)
    plain = loaded.targets(index, owner, calibration=Calibration())
    assert torch.equal(plain, built.targets(index, owner))
    assert torch.equal(found, plain) == (method == "none")


def test_rows_are_made_once(built):
    centered = built.calibrate("center")
    assert centered.rows is centered.rows
    assert not torch.equal(centered.rows, centered.embeddings)
    assert centered.to("cpu").calibration.method == "center"


def test_columns_are_saved_with_the_bank(built, tmp_path):
    named = dataclasses.replace(built, columns={"kind": ("pet", "pet", "thing")})
    named.save(tmp_path / "saved")
    assert LabelBank.load(tmp_path / "saved").columns == {"kind": ("pet", "pet", "thing")}
    assert built.columns == {}


def test_save_and_load_are_the_identity(built, tmp_path):
    folder = tmp_path / "saved"
    built.save(folder)
    again = LabelBank.load(folder)
    assert again.texts == built.texts
    assert torch.equal(again.embeddings, built.embeddings)
    assert (again.encoder_name, again.fingerprint) == (built.encoder_name, built.fingerprint)
    names = {path.name for path in folder.iterdir()}
    again.save(folder)
    assert {path.name for path in folder.iterdir()} == names


def test_load_nothing(tmp_path):
    with pytest.raises(BankError, match=r"there is no bank in .*'ssm encode'"):
        LabelBank.load(tmp_path / "nowhere")


def test_to_moves_the_vectors(built):
    moved = built.to("meta")
    assert moved.embeddings.device.type == "meta"
    assert moved.texts == built.texts
    assert built.embeddings.device.type == "cpu"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_takes_indices_from_the_cpu(built):
    index, owner = built.index(TEXTS), torch.tensor([0, 0, 1, 1, 2, 2])
    found = built.to("cuda").targets(index, owner)
    torch.testing.assert_close(found.cpu(), built.targets(index, owner), atol=1e-6, rtol=0)


def test_many_texts(hash_encoder, tmp_path: Path):
    unique = [f"text number {i}" for i in range(20_000)]
    repeated = unique * 5
    bank = LabelBank.build(repeated, hash_encoder, tmp_path)
    assert len(hash_encoder.encoded) == 20_000
    start = time.perf_counter()
    again = LabelBank.build(repeated, hash_encoder, tmp_path)
    second_build = time.perf_counter() - start
    start = time.perf_counter()
    index = again.index(repeated * 10)
    look_up = time.perf_counter() - start
    assert len(hash_encoder.encoded) == 20_000
    assert torch.equal(again.embeddings, bank.embeddings)
    assert torch.equal(index[:20_000], torch.arange(20_000))
    # One second each is the aim on an idle machine; three times as much is a fault on a busy one.
    assert second_build < 3
    assert look_up < 3
