"""A server on the loopback address that speaks OpenAI's protocol and fails as it is told to."""

import asyncio
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["ok", "status", "raw", "hang", "drop"]
NO_FINDINGS = '{"findings": []}'


@dataclass(frozen=True)
class Act:
    """What to do with one request.

    Attributes:
        kind: "ok" answers with `text`; "status" with an HTTP error; "raw" with a body that is sent
            as it is; "hang" never; "drop" closes the connection in the middle of the answer.
        text: The model's words, or the raw body.
        delay: Seconds before anything is sent.
        status: Of an error.
        headers: Beside the usual ones.
        code: The error's own code.
        finish: Why the model stopped.
        usage: Tokens sent and received.
    """

    kind: Kind = "ok"
    text: str = NO_FINDINGS
    delay: float = 0.0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str = "error"
    finish: str = "stop"
    usage: tuple[int, int] = (100, 20)


Script = Callable[[dict[str, Any], int], Act]


class LoopbackServer:
    """Runs in a thread of its own; use it as a context manager.

    Attributes:
        url: Base of the endpoint, with ``/v1``.
        requests: Bodies received, in order, without headers.
        keys: The Authorization header of each.
        most: Requests under way at once, at most.
    """

    def __init__(self, script: Script) -> None:
        """Start.

        Args:
            script: Called with the body of each request and its number from 0.
        """
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.most = 0
        self._now = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.url = ""

    def __enter__(self) -> "LoopbackServer":
        """The server, listening."""
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_until_complete(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._connection, "127.0.0.1", 0, backlog=512)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        self._ready.set()
        await self._stop.wait()
        server.close()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[1:]
        pairs = (line.partition(":") for line in head if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        raw = await reader.readexactly(int(headers.get("content-length", "0")))
        body = json.loads(raw)
        number = len(self.requests)
        self.requests.append(body)
        self.keys.append(headers.get("authorization", ""))
        self._now += 1
        self.most = max(self.most, self._now)
        try:
            return await self._act(self.script(body, number), body, writer)
        finally:
            self._now -= 1

    async def _act(self, act: Act, body: dict[str, Any], writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(3600 if act.kind == "hang" else act.delay)
        if act.kind == "status":
            value = {"error": {"message": "told to fail", "type": act.code, "code": act.code}}
            payload = json.dumps(value).encode()
        elif act.kind == "raw":
            payload = act.text.encode()
        else:
            payload = json.dumps(completion(act, body)).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in act.headers.items())
        head = f"HTTP/1.1 {act.status} Told\r\ncontent-type: application/json\r\n{extra}"
        writer.write(f"{head}content-length: {len(payload)}\r\n\r\n".encode())
        if act.kind == "drop":
            writer.write(payload[: len(payload) // 2])
            await writer.drain()
            return False
        writer.write(payload)
        await writer.drain()
        return True


def completion(act: Act, body: Mapping[str, Any]) -> dict[str, Any]:
    """A chat completion, as a tool call where a tool was asked for."""
    message: dict[str, Any] = {"role": "assistant", "content": act.text}
    if body.get("tools"):
        name = body["tools"][0]["function"]["name"]
        call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": act.text}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
    sent, received = act.usage
    usage = {"prompt_tokens": sent, "completion_tokens": received, "total_tokens": sent + received}
    choice = {"index": 0, "finish_reason": act.finish, "message": message}
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [choice], "usage": usage,
    }  # fmt: skip
