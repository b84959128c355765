"""What the guard says and lets through, without a server."""

import asyncio
from collections.abc import Mapping

import pytest
from medfilip_app.page.guard import Guard

PREDICT = "/gradio_api/run/predict"


def ask(guard: Guard, method: str, path: str, **headers: str) -> tuple[int, Mapping[str, str]]:
    """Status and headers of an answer."""
    asked = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    told: list[dict] = []

    async def send(message: dict) -> None:
        told.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": asked}
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    found = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], found


async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("path", ["/", "/nowhere"])
def test_every_answer_says_what_the_page_may_do(path: str):
    _, headers = ask(Guard(answer), "GET", path)
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["script-src"] == "'self' 'unsafe-inline' 'unsafe-eval'"
    for name in ("object-src", "frame-src", "form-action", "frame-ancestors"):
        assert policy[name] == "'none'"
    for name in ("default-src", "base-uri"):
        assert policy[name] == "'self'"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-frame-options"] == "DENY"
    assert "camera=()" in headers["permissions-policy"]


def test_a_connection_with_an_unread_body_is_closed():
    status, headers = ask(Guard(answer), "POST", "/image", content_length=str(1 << 40))
    assert (status, headers["connection"]) == (413, "close")
    assert "connection" not in ask(Guard(answer), "POST", PREDICT, content_length="2")[1]


def test_a_body_as_large_as_the_limit_is_taken():
    for path, most in ((PREDICT, 1 << 20), ("/image", 64 << 20)):
        statuses = [
            ask(Guard(answer), "POST", path, content_length=str(n))[0] for n in (most, most + 1)
        ]
        assert statuses == [200, 413]


def test_the_page_opens_while_many_wait():
    async def crowd() -> list[int]:
        statuses: list[int] = []
        free = asyncio.Event()

        async def waiting(scope, receive, send):
            if scope["method"] == "POST":
                await free.wait()
            await answer(scope, receive, send)

        async def send(message):
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        guard = Guard(waiting)
        scope = {"type": "http", "path": "/image", "headers": [(b"content-length", b"1")]}
        posts = [
            asyncio.create_task(guard({**scope, "method": "POST"}, None, send)) for _ in range(64)
        ]
        await asyncio.sleep(0)
        await guard({**scope, "path": "/", "method": "GET"}, None, send)
        await guard({**scope, "method": "POST"}, None, send)
        free.set()
        await asyncio.gather(*posts)
        return statuses

    assert asyncio.run(crowd())[:2] == [200, 503]
