"""The data-use gate: credentialed reports stay on this machine unless the user says otherwise.

What looks like MIMIC (by path, by the id of a study, or by the ``___`` that stands for what was
removed) goes to no endpoint but a loopback one. Whether an endpoint is loopback is judged by how it
is written, never by asking a name server, and in doubt it is not.
"""

import ipaddress
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from gpt_ie.schema import EngineUnavailableError, Report

OPTION = "--i-may-send-this-data"
BLANK = "___"
_RULE = (
    "The PhysioNet Credentialed Health Data Use Agreement does not let you share access to the "
    "data with third parties, and PhysioNet states that this includes sending it through APIs or "
    "using it on online platforms (https://physionet.org/news/post/llm-responsible-use)"
)
# mimic-cxr's tree: files/p10/p10000032/s50414267.txt, and its folders.
_TREE = re.compile(r"p1\d/p1\d{7}(?:/(?:s\d{8}(?:\.txt(?:\.gz)?)?)?)?$|p1\d{7}/s\d{8}\b")
_SHARD = re.compile(r"p1\d(?:\d{6})?")
_STUDY = re.compile(r"s5\d{7}")
# Plain enough that every program reads the same host: no user name, no escapes, no other signs.
_PLAIN = re.compile(
    r"https?://(localhost|[0-9.]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?(?:/[a-z0-9._~/-]*)?",
    re.IGNORECASE | re.ASCII,
)


class DataUseError(EngineUnavailableError):
    """Credentialed data would leave this machine; nothing was sent."""


def check_data_use(
    paths: Iterable[Path | str],
    sample_reports: Iterable[Report],
    endpoint: str | None,
    allowed: bool,
) -> None:
    """Refuse to send credentialed data to an endpoint that is not on this machine.

    Args:
        paths: Where the reports come from: files, folders, a tree's files.
        sample_reports: Some of the reports; all that are given are looked at.
        endpoint: The URL that requests go to; None when the model runs in this process.
        allowed: Whether the user has said that this data may be sent.

    Raises:
        DataUseError: With the reason, PhysioNet's rule and the option; without report text.
    """
    if allowed or is_local(endpoint):
        return
    reason = credentialed_path(paths) or credentialed_report(sample_reports)
    if reason is not None:
        raise DataUseError(
            f"{reason}, and {_host(endpoint)} is not this machine's loopback address: nothing was "
            f"sent. {_RULE}. Use a local model (gguf:FILE, or a server at http://127.0.0.1:PORT), "
            f"or give {OPTION} if your agreement with the data's owner and with the service "
            "permits it"
        )


def credentialed_path(paths: Iterable[Path | str]) -> str | None:
    """Why a path looks like credentialed data, without the path itself; None if none does."""
    for given in paths:
        path = Path(given)
        for name in (str(path), str(path.resolve())):
            if "mimic" in name.lower():
                return "a file or folder of the reports has 'mimic' in its name"
            if _TREE.search(Path(name).as_posix()):
                return "the reports lie in a tree like that of MIMIC-CXR (p1x/p1xxxxxxx)"
        if _has_shards(path) or _has_shards(path / "files"):
            return "the folder of the reports is a tree like that of MIMIC-CXR (files/p1x)"
    return None


def _has_shards(folder: Path) -> bool:
    try:
        return any(_SHARD.fullmatch(child.name) for child in folder.iterdir())
    except OSError:
        return False  # no folder, or not to be read: then no report comes from it either


def credentialed_report(reports: Iterable[Report]) -> str | None:
    """Why one of the reports looks credentialed, without its text; None if none does."""
    for report in reports:
        if _STUDY.fullmatch(report.report_id):
            return "a report's id is like a study of MIMIC-CXR (s5xxxxxxx)"
        if any(BLANK in text for text in report.sections.values()):
            return f"a report has the blanks {BLANK!r} of de-identified credentialed data"
    return None


def is_local(endpoint: str | None) -> bool:
    """Whether requests to an endpoint stay on this machine, whoever reads its URL.

    Only an http(s) URL whose host is written ``localhost``, as an IPv4 address 127.x.x.x in four
    decimal parts, or as IPv6 loopback counts. Other spellings of the same address (one number, hex,
    ``127.1``), ``0.0.0.0``, names that a name server must answer, user names, and signs that
    programs read differently do not.

    Args:
        endpoint: A URL; None for a model in this process.

    Returns:
        True when it is loopback beyond doubt.
    """
    if endpoint is None:
        return True
    plain = _PLAIN.fullmatch(endpoint)
    if plain is None:
        return False
    host = plain[1].lower().strip("[]")
    return host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def _host(endpoint: str | None) -> str:
    """The endpoint's host for a message; a URL may hold a key, so no more than that is shown."""
    try:
        host = urlsplit(endpoint or "").hostname
    except ValueError:
        host = None
    return repr(host) if host else "the model's endpoint"
