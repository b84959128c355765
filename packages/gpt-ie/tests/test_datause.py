from pathlib import Path

import pytest
from gpt_ie.datause import (
    OPTION,
    DataUseError,
    check_data_use,
    credentialed_path,
    credentialed_report,
    is_local,
)
from gpt_ie.schema import EngineUnavailableError, Report
from hypothesis import given
from hypothesis import strategies as st

REMOTE = "https://api.example.org/v1"
BLANKS = Report("r1", {"findings": "Compared with ___, the secret effusion is larger."})
PLAIN = Report("r1", {"findings": "No effusion."})


@pytest.mark.parametrize(
    "endpoint",
    [
        None,
        "http://localhost:8000/v1",
        "http://LOCALHOST",
        "https://localhost/",
        "http://127.0.0.1:11434/v1",
        "http://127.8.9.10",
        "http://[::1]:8080/v1",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_loopback(endpoint: str | None):
    assert is_local(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        REMOTE,
        "",
        "http://",
        "openai/gpt-4o-mini",
        "localhost:8000/v1",  # no scheme: what would be asked is not known
        "localhost",
        # Names that only begin or end like this machine.
        "http://localhost.evil.org/v1",
        "http://evil.org/localhost",
        "http://evil-localhost",
        "http://127.0.0.1.nip.io/v1",
        "http://127.0.0.1.evil.org",
        "http://localhost./",
        "http://my.localhost/",
        "http://ip6-localhost/",
        # A user name, or what one program takes for it.
        "http://localhost@evil.org/v1",
        "http://127.0.0.1:80@evil.org",
        "http://evil.org@localhost/",
        "http://evil.org\\@localhost/",
        "http://localhost\\.evil.org/",
        "http://evil.org#@localhost/",
        "http://evil.org?@localhost/",
        "http://localhost#.evil.org/",
        # Other spellings of an address, read differently by different programs.
        "http://2130706433/",
        "http://134744072/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://0.0.0.0:8000/v1",
        "http://0/",
        "http://[::]/",
        "http://[::ffff:8.8.8.8]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[::1%25eth0]/",
        "http://[::1]evil.org/",
        "http://[::1",
        # Near, but not this machine.
        "http://10.0.0.1/",
        "http://192.168.1.7:8000/v1",
        "http://169.254.169.254/",
        "http://128.0.0.1/",
        # Signs that are not what they look like.
        "http://lоcalhost/",  # a Cyrillic o
        "http://１２７.0.0.1/",
        "http://localho\u017ft/",  # a long s
        "http://127.0.0.1/\u212a",
        "http://localhost。evil.org/",
        "http://loc\talhost/",
        "http://localhost\n.evil.org/",
        "http://127.0.0.1%2eevil.org/",
        " http://localhost/",
        "http://localhost:80:evil.org/",
        # Schemes that are no request to a loopback server.
        "ftp://localhost/",
        "file://localhost/etc",
        "//localhost/",
    ],
)
def test_not_loopback(endpoint: str):
    assert not is_local(endpoint)


@given(st.text(max_size=40))
def test_any_host_is_judged_without_an_error(host: str):
    if is_local(f"http://{host}/v1"):
        plain = host.lower().partition("/")[0]
        assert plain.startswith(("localhost", "127.", "["))
    is_local(host)


@pytest.mark.parametrize(
    "path",
    [
        "data/mimic-cxr/reports.csv",
        "MIMIC_CXR_sectioned.csv.gz",
        "data/physionet.org/mimiciv/x.jsonl",
        "files/p10/p10000032/s50414267.txt",
        "backup/files/p19/p19999987",
        "p10000032/s50414267",
    ],
)
def test_paths_like_mimic(path: str):
    assert credentialed_path([Path("plain.csv"), path]) is not None
    assert credentialed_path([Path(path)]) is not None


@pytest.mark.parametrize("path", ["reports.csv", "-", "files/p1/report.txt", "p10.csv", "s5.txt"])
def test_paths_that_are_not(path: str):
    assert credentialed_path([path]) is None
    assert credentialed_path([]) is None


@pytest.mark.parametrize("tree", ["files/p10/p10000032", "p10/p10000032", "p10000032"])
def test_the_root_of_a_tree(tmp_path: Path, tree: str):
    (tmp_path / tree).mkdir(parents=True)
    assert credentialed_path([tmp_path]) is not None


def test_an_ordinary_folder(tmp_path: Path):
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a.txt").touch()
    assert credentialed_path([tmp_path, tmp_path / "none"]) is None


def test_a_path_that_hides_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "MIMIC" / "work"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    assert credentialed_path(["reports.csv"]) is not None
    link = tmp_path / "innocent.csv"
    (folder / "r.csv").touch()
    link.symlink_to(folder / "r.csv")
    assert credentialed_path([link]) is not None


def test_reports_with_blanks_or_the_ids_of_studies():
    assert credentialed_report([PLAIN, BLANKS]) is not None
    assert credentialed_report([Report("s50414267", {"text": "Clear."})]) is not None
    spread = Report("a", {"findings": "Clear.", "impression": "Seen by ___."})
    assert credentialed_report([spread]) is not None
    assert credentialed_report([PLAIN, Report("s1", {"text": "__ and XXXX"})]) is None


def test_credentialed_data_stays():
    for paths, reports in ((["mimic/r.csv"], []), (["r.csv"], [PLAIN, BLANKS])):
        with pytest.raises(DataUseError) as caught:
            check_data_use(paths, reports, f"{REMOTE}?key=sk-123", allowed=False)
        message = str(caught.value)
        assert "PhysioNet" in message
        assert "third parties" in message
        assert "https://physionet.org/" in message
        assert OPTION == "--i-may-send-this-data"
        assert OPTION in message
        assert "'api.example.org'" in message
        assert "sk-123" not in message
        assert "secret" not in message
        assert "\n" not in message
        # A run stops; it does not go on to the next report.
        assert isinstance(caught.value, EngineUnavailableError)


@pytest.mark.parametrize(
    ("paths", "reports", "endpoint", "allowed"),
    [
        (["mimic/r.csv"], [BLANKS], None, False),
        (["mimic/r.csv"], [BLANKS], "http://127.0.0.1:8000/v1", False),
        (["mimic/r.csv"], [BLANKS], REMOTE, True),
        (["r.csv"], [PLAIN], REMOTE, False),
    ],
)
def test_what_passes(
    paths: list[str], reports: list[Report], endpoint: str | None, *, allowed: bool
):
    check_data_use(paths, reports, endpoint, allowed)


@pytest.mark.parametrize("endpoint", ["http://[::1", "openai/gpt-4o", "http://a:b@evil.org/"])
def test_an_odd_endpoint_is_refused_without_showing_it(endpoint: str):
    with pytest.raises(DataUseError) as caught:
        check_data_use([], [BLANKS], endpoint, allowed=False)
    assert "a:b" not in str(caught.value)
