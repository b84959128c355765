"""What a browser may ask of the server, and what the page may ask of the network."""

import json
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from medfilip_app.page.gallery import MAX_BYTES

# Gradio's own scripts are inline, and it makes functions of the scripts of its components.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "object-src 'none'",
        "frame-src 'none'",
        "base-uri 'self'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
    (b"x-frame-options", b"DENY"),
)
# Of the many routes that Gradio has, those that this page uses. Not its file uploads and downloads:
# no file of this machine can be asked for, and none is written.
_PAGES = frozenset(
    {
        "/",
        "/config",
        "/favicon.ico",
        "/manifest.json",
        "/theme.css",
        "/gradio_api/startup-events",
        "/gradio_api/theme.css",
    }
)
_TREES = ("/assets/", "/static/", "/svelte/", "/gradio_api/heartbeat/")
# Requests that work is done for at a time, waiting ones among them.
_MOST = 64
# Bytes of the body of each kind of request.
_BODIES: Mapping[str, int] = {
    "/image": MAX_BYTES,
    "/gradio_api/run/predict": 1 << 20,
}


class Guard:
    """Middleware: refuses what the page does not need, and forbids the page the network."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application.

        Args:
            app: The application.
        """
        self._app = app
        self._asked = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        refused = _refused(scope)
        if refused is None and scope["method"] == "POST" and self._asked >= _MOST:
            refused = 503, "too many people ask at once; try again in a moment"
        if refused is not None:
            await _answer(with_headers, *refused)
            return
        asks = scope["method"] == "POST"
        self._asked += asks
        try:
            await self._app(scope, receive, with_headers)
        finally:
            self._asked -= asks


def _refused(scope: Scope) -> tuple[int, str] | None:
    """Status and reason of what is not answered; None for what is."""
    method, path = scope["method"], scope["path"]
    if method in {"GET", "HEAD"}:
        known = path in _PAGES or path.startswith(_TREES)
        return None if known else (404, "there is no such page")
    if method != "POST" or path not in _BODIES:
        return 404, "there is no such page"
    length = dict(scope["headers"]).get(b"content-length", b"").decode("latin-1")
    if not length.isdigit():
        return 411, "the length of the content must be given"
    most = _BODIES[path]
    if int(length) > most:
        return 413, f"the content is larger than {most / (1 << 20):.3g} MB"
    return None


async def _answer(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        # What is left of a body that nobody reads must not be taken for the next request.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
