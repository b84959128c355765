import pytest
import torch
from ssm import BankError, Calibration, EncoderError, SsmError, fit_calibration, store

TEXTS = ["a dog", "a cat", "Füchse im Schnee", 'a "quoted" sign']


def sizes(stored):
    return [part.count for part in stored.manifest.parts]


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != ".lock"}


def test_extend_reads_what_is_there_and_encodes_the_rest(tmp_path, hash_encoder):
    first = store.extend(tmp_path / "bank", TEXTS[:2], hash_encoder)
    second = store.extend(tmp_path / "bank", TEXTS[::-1], hash_encoder)
    assert first.texts == tuple(TEXTS[:2])
    assert second.texts == (*TEXTS[:2], TEXTS[3], TEXTS[2])
    assert hash_encoder.encoded == list(second.texts)
    torch.testing.assert_close(second.embeddings, hash_encoder.encode(second.texts))
    again = store.read(tmp_path / "bank")
    assert again.texts == second.texts
    assert torch.equal(again.embeddings, second.embeddings)
    assert again.manifest == second.manifest
    assert (again.manifest.encoder, again.manifest.fingerprint) == (
        "hash",
        hash_encoder.fingerprint,
    )


def test_the_folder_is_private(tmp_path, hash_encoder):
    store.extend(tmp_path / "bank", TEXTS, hash_encoder)
    assert (tmp_path / "bank").stat().st_mode & 0o077 == 0


def test_appending_leaves_the_files_that_are_there(tmp_path, hash_encoder):
    store.extend(tmp_path, [f"old {n}" for n in range(100)], hash_encoder)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*-*")}
    appended = store.extend(tmp_path, [f"new {n}" for n in range(10)], hash_encoder)
    after = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*-*")}
    assert sizes(appended) == [100, 10]
    assert len(after) == 4
    assert before.items() <= after.items()


def test_parts_are_merged_before_there_are_many(tmp_path, hash_encoder):
    texts = []
    for n in range(25):
        texts.append(f"text {n}")
        stored = store.extend(tmp_path, texts, hash_encoder)
        counts = sizes(stored)
        assert sum(counts) == n + 1
        assert all(sum(counts[at + 1 :]) < counts[at] for at in range(len(counts)))
    assert len(counts) <= 5
    assert hash_encoder.encoded == texts
    found = store.read(tmp_path)
    assert found.texts == tuple(texts)
    torch.testing.assert_close(found.embeddings, hash_encoder.encode(texts))
    assert len(list(tmp_path.glob("*-*"))) == 2 * len(counts)


def test_a_build_in_many_blocks_ends_as_one_part(tmp_path, hash_encoder, monkeypatch):
    monkeypatch.setattr(store, "_BLOCK", 3)
    texts = [f"text {n}" for n in range(20)]
    stored = store.extend(tmp_path, texts, hash_encoder)
    assert sizes(stored) == [20]
    torch.testing.assert_close(stored.embeddings, hash_encoder.encode(texts))


def test_a_bank_without_a_text(tmp_path, hash_encoder):
    assert store.extend(tmp_path, [], hash_encoder).embeddings.shape == (0, 8)
    assert store.read(tmp_path).embeddings.shape == (0, 8)
    assert store.extend(tmp_path, TEXTS, hash_encoder).texts == tuple(TEXTS)


def test_no_bank_is_none(tmp_path):
    assert store.read(tmp_path) is None
    assert store.read(tmp_path / "nowhere") is None


def test_a_file_is_no_bank(tmp_path, hash_encoder):
    path = tmp_path / "texts.txt"
    path.write_text("a")
    for rebuild, message in ((False, "is a file, a bank is a folder"), (True, "cannot write")):
        with pytest.raises(BankError, match=message):
            store.extend(path, TEXTS, hash_encoder, rebuild=rebuild)
    assert path.read_text() == "a"


def test_another_encoder_is_never_mixed_in(tmp_path, hash_encoder, other_encoder):
    store.extend(tmp_path, TEXTS[:2], hash_encoder)
    with pytest.raises(BankError, match=r"made by encoder 'hash' .*, not by 'other'.*rebuild=True"):
        store.extend(tmp_path, TEXTS, other_encoder)
    assert other_encoder.encoded == []
    hash_encoder.dim = 9
    with pytest.raises(BankError, match=r"8 dimensions.*9 dimensions"):
        store.extend(tmp_path, TEXTS, hash_encoder)
    rebuilt = store.extend(tmp_path, TEXTS[1:], other_encoder, rebuild=True)
    assert other_encoder.encoded == TEXTS[1:]
    assert rebuilt.texts == tuple(TEXTS[1:])
    assert store.read(tmp_path).manifest.encoder == "other"


def test_rebuild_encodes_anew_what_is_sound(tmp_path, hash_encoder):
    store.extend(tmp_path, TEXTS, hash_encoder)
    store.extend(tmp_path, TEXTS[:1], hash_encoder, rebuild=True)
    assert hash_encoder.encoded == [*TEXTS, TEXTS[0]]
    assert store.read(tmp_path).texts == (TEXTS[0],)
    assert len(list(tmp_path.glob("*-*"))) == 2


def test_a_rebuild_that_fails_keeps_the_old_bank(tmp_path, hash_encoder, monkeypatch):
    store.extend(tmp_path, TEXTS, hash_encoder)
    before = contents(tmp_path)

    def fails(texts, **options):
        raise EncoderError("no")

    monkeypatch.setattr(hash_encoder, "encode", fails)
    with pytest.raises(EncoderError):
        store.extend(tmp_path, TEXTS, hash_encoder, rebuild=True)
    assert contents(tmp_path) == before


def test_a_bank_of_schema_1_says_to_rebuild(tmp_path, hash_encoder):
    (tmp_path / "manifest.json").write_text('{"schema": 1, "texts": ["a"]}')
    (tmp_path / "embeddings-0123456789abcdef.safetensors").write_bytes(b"old")
    with pytest.raises(BankError, match=r"has schema 1, this version reads 2: .*--rebuild"):
        store.extend(tmp_path, TEXTS, hash_encoder)
    store.extend(tmp_path, TEXTS, hash_encoder, rebuild=True)
    assert store.read(tmp_path).texts == tuple(TEXTS)
    assert not list(tmp_path.glob("embeddings-*"))


def test_columns(tmp_path, hash_encoder):
    def columns(stored):
        assert store.read(tmp_path).manifest == stored.manifest
        return {
            name: dict(zip(stored.texts, values, strict=True))
            for name, values in stored.manifest.columns.items()
        }

    first = store.extend(tmp_path, ["a", "b", "a"], hash_encoder, columns={"kind": ["1", "2", "3"]})
    assert columns(first) == {"kind": {"a": "1", "b": "2"}}
    without = store.extend(tmp_path, ["c"], hash_encoder)
    assert columns(without) == {"kind": {"a": "1", "b": "2", "c": ""}}
    second = store.extend(
        tmp_path, ["c", "b", "d"], hash_encoder, columns={"kind": "345", "of": list("xyz")}
    )
    assert columns(second) == {
        "kind": {"a": "1", "b": "4", "c": "3", "d": "5"},
        "of": {"a": "", "b": "y", "c": "x", "d": "z"},
    }
    assert hash_encoder.encoded == ["a", "b", "c", "d"]
    with pytest.raises(SsmError, match="column 'kind' has 1 values for 2 texts"):
        store.extend(tmp_path, ["a", "b"], hash_encoder, columns={"kind": ["1"]})


def test_the_calibration_stays_when_texts_are_added(tmp_path, hash_encoder):
    stored = store.extend(tmp_path, TEXTS[:2], hash_encoder)
    write(tmp_path, stored, calibration=Calibration("minmax", low=0.25))
    store.extend(tmp_path, TEXTS, hash_encoder, columns={"n": "0123"})
    found = store.read(tmp_path)
    assert found.calibration.settings() == {"method": "minmax", "low": 0.25, "high": 1.0}
    assert found.texts == tuple(TEXTS)


def test_a_calibration_is_fitted_on_all_when_asked(tmp_path, hash_encoder):
    with pytest.raises(SsmError, match="needs two texts that differ"):
        store.extend(tmp_path, TEXTS[:1], hash_encoder, calibration="center")
    for texts, method in ((TEXTS[:2], "center"), (TEXTS, "center"), (TEXTS, "minmax")):
        stored = store.extend(tmp_path, texts, hash_encoder, calibration=method)
        expected = fit_calibration(hash_encoder.encode(texts), method)
        for found in (stored, store.read(tmp_path)):
            assert found.calibration.settings() == expected.settings()
            torch.testing.assert_close(found.calibration.tensors(), expected.tensors())
    assert not list(tmp_path.glob("calibration-*"))
    store.extend(tmp_path, [*TEXTS, "one more"], hash_encoder)
    assert store.read(tmp_path).calibration.settings() == expected.settings()


def write(folder, stored, **changes):
    options = {"embeddings": stored.embeddings, "calibration": Calibration(), "columns": {}}
    store.write(
        folder,
        stored.texts,
        encoder=stored.manifest.encoder,
        fingerprint=stored.manifest.fingerprint,
        **{**options, **changes},
    )


def test_write_is_one_part_in_place_of_all(tmp_path, hash_encoder):
    store.extend(tmp_path, [f"text {n}" for n in range(9)], hash_encoder)
    stored = store.extend(tmp_path, TEXTS, hash_encoder)
    assert sizes(stored) == [9, 4]
    write(tmp_path, stored)
    found = store.read(tmp_path)
    assert sizes(found) == [13]
    assert torch.equal(found.embeddings, stored.embeddings)
    assert len(list(tmp_path.glob("*-*"))) == 2
    before = contents(tmp_path)
    write(tmp_path, found)
    assert contents(tmp_path) == before


def test_write_refuses_what_cannot_be_read_back(tmp_path, hash_encoder):
    stored = store.extend(tmp_path, TEXTS, hash_encoder)
    before = contents(tmp_path)
    with pytest.raises(BankError, match="'hash' holds a vector of length nan, not 1, for 4 of 4"):
        write(tmp_path, stored, embeddings=stored.embeddings * torch.nan)
    with pytest.raises(EncoderError, match="text 0 is empty"):
        store.write(
            tmp_path / "other",
            ("",),
            torch.eye(1),
            encoder="",
            fingerprint="",
            calibration=Calibration(),
            columns={},
        )
    assert contents(tmp_path) == before
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (torch.ones(3, 8), r"returned torch.float32 of shape \[3, 8\] for 2 texts"),
        (torch.eye(2, 8, dtype=torch.float64), "returned torch.float64"),
        (torch.eye(2, 8) * torch.tensor([[1.0], [0.0]]), "vector of length 0, not 1.*'a cat'"),
        (torch.eye(2, 8) * torch.nan, "vector of length nan, not 1, for 2 of 2 texts"),
    ],
)
def test_an_encoder_that_misbehaves(tmp_path, hash_encoder, monkeypatch, answer, message):
    monkeypatch.setattr(hash_encoder, "encode", lambda texts, **options: answer)
    with pytest.raises(BankError, match=f"encoder 'hash' returned .*{message}|{message}"):
        store.extend(tmp_path, TEXTS[:2], hash_encoder)
    assert store.read(tmp_path) is None


def test_a_bad_text_writes_nothing(tmp_path, hash_encoder):
    with pytest.raises(EncoderError, match="text 1 is empty"):
        store.extend(tmp_path / "bank", ["a", " "], hash_encoder)
    assert not (tmp_path / "bank").exists()


def test_a_build_goes_on_after_the_last_block_written(tmp_path, hash_encoder, monkeypatch):
    monkeypatch.setattr(store, "_BLOCK", 2)
    plain = hash_encoder.encode

    def dies(texts, **options):
        if len(hash_encoder.encoded) >= 2:
            raise KeyboardInterrupt
        return plain(texts, **options)

    monkeypatch.setattr(hash_encoder, "encode", dies)
    with pytest.raises(KeyboardInterrupt):
        store.extend(tmp_path, TEXTS, hash_encoder)
    assert store.read(tmp_path).texts == tuple(TEXTS[:2])
    monkeypatch.setattr(hash_encoder, "encode", plain)
    assert store.extend(tmp_path, TEXTS, hash_encoder).texts == tuple(TEXTS)
    assert hash_encoder.encoded == TEXTS
