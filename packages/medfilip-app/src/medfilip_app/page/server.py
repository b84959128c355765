"""The page on a port: the application with its limits, and the server that runs it."""

import asyncio
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from urllib.parse import unquote

import gradio as gr
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from medfilip_app.errors import AppError, UploadError
from medfilip_app.loaded import Loaded
from medfilip_app.page.blocks import TITLE, lay_out
from medfilip_app.page.desk import Desk, set_up
from medfilip_app.page.gallery import MAX_BYTES
from medfilip_app.page.guard import Guard
from medfilip_app.page.look import theme
from medfilip_app.page.parts import resource

# Read by Gradio where it would call home, and where it would keep a table of who asked what when,
# summed up anew after every answer.
_SILENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",
    "GRADIO_ANALYTICS_MAX_EVENTS": "1",
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(2**62),
}
# Seconds that a server has to start or to stop.
_PATIENCE = 30.0


def application(desk: Desk) -> FastAPI:
    """The page with its limits, as an application of any server.

    Args:
        desk: From `medfilip_app.page.desk.set_up`.
    """
    os.environ.update(_SILENT)
    # Where no event loop runs Gradio makes one for each of its locks, and closes none of them.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, _mounted(desk)).result()


async def _mounted(desk: Desk) -> FastAPI:
    app = FastAPI(title=TITLE, docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(Guard)

    @app.post("/image")
    async def image(request: Request) -> JSONResponse:
        # A header of its own: no other site's page may send it without being asked first.
        name = request.headers.get("x-file-name")
        if name is None:
            return JSONResponse({"error": "the file has no name"}, 400)
        content = await request.body()
        try:
            opened = await run_in_threadpool(desk.gallery.open_file, content, unquote(name))
        except UploadError as error:
            return JSONResponse({"error": str(error)}, 422)
        return JSONResponse({"token": opened.token})

    gr.mount_gradio_app(
        app,
        lay_out(desk),
        "/",
        footer_links=[],
        run_history=False,
        show_error=False,
        allowed_paths=[],
        max_file_size=MAX_BYTES,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=theme(),
        # In the head, and not as `css`, of which Gradio rewrites the selectors.
        head=f"<style>{resource('page.css')}</style>",
    )
    return app


def listen(host: str, port: int) -> socket.socket:
    """Take a port.

    Args:
        host: Address of this machine.
        port: Its port; 0: any that is free.

    Raises:
        AppError: If it cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AppError(
            f"cannot listen on {host!r}, port {port!r}: {reason}; choose another --port"
        ) from error


def address(taken: socket.socket) -> str:
    """The address of the page on a port that `listen` has taken."""
    host, port = taken.getsockname()[:2]
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def serve(
    loaded: Loaded,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve the page until it is interrupted.

    Args:
        loaded: The run that answers.
        host: Address to listen on; the default is heard by this machine alone.
        port: Its port; 0: any that is free.
        ready: Told the page's address before it is served.

    Raises:
        AppError: If the port cannot be had.
    """
    with listen(host, port) as taken:
        app = application(set_up(loaded))
        if ready is not None:
            ready(address(taken))
        # It ends by itself when it is interrupted, and then passes the interruption on.
        with suppress(KeyboardInterrupt):
            _server(app).run(sockets=[taken])


@contextmanager
def running(app: FastAPI, host: str = "127.0.0.1") -> Generator[str]:
    """Serve an application from a thread, for as long as the block lasts.

    Args:
        app: From `application`.
        host: Address to listen on; the port is any that is free.

    Yields:
        The page's address.

    Raises:
        AppError: If it does not start.
    """
    with listen(host, 0) as taken:
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [taken]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + _PATIENCE
        while not server.started and thread.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)
        if not server.started:
            raise AppError("the page does not start")
        try:
            yield address(taken)
        finally:
            server.should_exit = True
            thread.join(_PATIENCE)


def _server(app: FastAPI) -> uvicorn.Server:
    # Requests are not logged: their addresses and times are nobody's business.
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=2, ws="none"
    )
    return uvicorn.Server(config)
