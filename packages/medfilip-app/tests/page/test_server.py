import asyncio
import json
import os
import re
import sys
import urllib.request
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import gradio
import pytest
from medfilip_app.errors import AppError
from medfilip_app.page import server
from medfilip_app.page.guard import Guard
from medfilip_app.page.server import address as address_of
from medfilip_app.page.server import listen


def ask(address: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str, dict]:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode(), dict(answer.getheaders())
    finally:
        connection.close()


def test_every_answer_forbids_the_page_the_network(address: str):
    for path in ("/", "/config", "/nowhere"):
        _, _, headers = ask(address, path)
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"https?:|\*", policy)
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/gradio_api/upload"),
        ("POST", "/upload"),
        ("GET", "/gradio_api/file=/etc/passwd"),
        ("GET", f"/gradio_api/file={Path(gradio.__file__).parent}/package.json"),
        ("GET", "/gradio_api/proxy=http://127.0.0.1:1/"),
        ("GET", "/gradio_api/info"),
        ("GET", "/gradio_api/openapi.json"),
        ("GET", "/monitoring"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/queue/join"),
        ("POST", "/gradio_api/call/predict"),
        ("DELETE", "/"),
    ],
)
def test_what_the_page_does_not_need_is_not_there(address: str, method: str, path: str):
    status, body, _ = ask(address, path, method, **{"Content-Length": "0"})
    assert status == 404
    assert json.loads(body) == {"error": "there is no such page"}


def test_bodies_are_limited_before_they_are_read(address: str):
    large = {"Content-Length": str((64 << 20) + 1), "X-File-Name": "a.png"}
    status, body, _ = ask(address, "/image", "POST", **large)
    assert (status, json.loads(body)["error"]) == (413, "the content is larger than 64 MB")
    status, _, _ = ask(address, "/gradio_api/run/predict", "POST", **{"Content-Length": "1048577"})
    assert status == 413
    status, _, _ = ask(address, "/image", "POST", **{"Transfer-Encoding": "chunked"})
    assert status == 411


def test_another_sites_form_cannot_send_an_image(address: str, good: bytes):
    """Without a header of its own a request goes out from any page unasked."""
    request = urllib.request.Request(f"{address}image", data=good)
    with pytest.raises(HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    with caught.value as answer:
        assert answer.code == 400


def test_nothing_of_this_machine_is_told(address: str):
    for path in ("/", "/config"):
        status, body, _ = ask(address, path)
        assert status == 200
        for place in (str(Path.home()), str(Path.cwd()), str(Path(gradio.__file__).parent)):
            assert place not in body


def test_the_settings_are_those_of_a_private_page(address: str):
    config = json.loads(ask(address, "/config")[1])
    assert config["analytics_enabled"] is False
    assert config["run_history"] is False
    assert config["footer_links"] == []
    assert all(one["api_visibility"] == "private" for one in config["dependencies"])


def test_nothing_of_an_upload_is_written_to_a_disk(address: str, good: bytes):
    written: list[str] = []
    watching = True

    def watch(event: str, details: tuple[object, ...]) -> None:
        # Of the three details of "open" the last are the flags.
        if watching and event == "open" and int(str(details[2])) & (os.O_WRONLY | os.O_RDWR):
            written.append(str(details[0]))

    sys.addaudithook(watch)
    request = urllib.request.Request(
        f"{address}image", data=good * 40, headers={"X-File-Name": "scan.png"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 200
    watching = False
    assert written == []


def test_too_many_at_once_are_sent_away():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def crowd() -> list[int]:
        statuses: list[int] = []
        guard = Guard(slow)
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/image",
            "headers": [(b"content-length", b"1")],
        }

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        for _ in range(2):  # the second crowd finds the places of the first free again
            await asyncio.gather(*(guard(scope, None, send) for _ in range(70)))
        return statuses

    statuses = asyncio.run(crowd())
    assert statuses.count(200) == 128
    assert statuses.count(503) == 12


def test_a_port_that_is_taken_is_said():
    with listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address_of(taken) == f"http://127.0.0.1:{port}/"
        with pytest.raises(AppError, match=f"port {port}.*choose another --port"):
            listen("127.0.0.1", port)


def test_loopback_is_the_default():
    assert server.serve.__kwdefaults__ == {"host": "127.0.0.1", "port": 7860, "ready": None}


def test_the_guard_lets_the_server_start_and_knows_no_websocket():
    seen: list[str] = []

    async def app(scope, receive, send):
        seen.append(scope["type"])

    async def nothing(*_):
        raise AssertionError

    for kind in ("lifespan", "websocket"):
        asyncio.run(Guard(app)({"type": kind}, nothing, nothing))
    assert seen == ["lifespan"]
