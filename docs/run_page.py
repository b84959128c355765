r"""Follow a page of the documentation: run its commands in order, compare what they print.

    uv run python docs/run_page.py docs/tutorial.md [--in FOLDER] [--log FILE]

What stands in a page's fenced blocks is what runs:

- ``bash``: commands, one a line (``\`` at the end joins two); they run in an empty folder, with
  ``uv run`` taken as that of this clone.
- ``text`` right below them: what the last command prints on stdout, to the letter, but that a line
  or a part written as ``…`` stands for anything, and that figures of time are not compared.
- ``console``: commands behind ``$``, what each prints on stdout below it;
- any other language with ``title="NAME"``: a file of that name, written before what follows.

Exit code 1 with the difference at the first command that fails or prints something else.
"""

import argparse
import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

CLONE = Path(__file__).resolve().parents[1]
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[\w-]+)(?P<options>[^\n]*)\n(?P<body>.*?)^(?P=indent)```",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')
_SNIPPET = re.compile(r'^--8<-- "([^"]+)"\n', re.MULTILINE)
# A figure with its unit that differs from one run to the next.
_TIME = re.compile(r"\d[\d,.]*(?= (?:reports|images|pairs)/s| s\b| min\b)")
_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
_READY_SECONDS = 120


@dataclass(frozen=True)
class Step:
    """One thing that a page asks for.

    Attributes:
        kind: ``command`` to run, ``file`` to write, ``output`` that the last command prints.
        text: The command, the file's content, or the output.
        name: Name of the file; else empty.
    """

    kind: Literal["command", "file", "output"]
    text: str
    name: str = ""


def steps(page: str) -> Iterator[Step]:
    """The steps of a page, in its order.

    Args:
        page: Markdown text.
    """
    last_command = -1
    for fence in _FENCE.finditer(page):
        title = _TITLE.search(fence["options"])
        body = re.sub(rf"^{fence['indent']}", "", fence["body"], flags=re.MULTILINE)
        if fence["language"] == "bash":
            yield from (Step("command", line) for line in commands(body))
        elif fence["language"] == "console":
            yield from _session(body)
        elif title:
            yield Step("file", _SNIPPET.sub(_included, body), title[1])
        elif fence["language"] == "text" and _right_below(page, last_command, fence.start()):
            yield Step("output", body)
        last_command = fence.end() if fence["language"] == "bash" else -1


def _session(body: str) -> Iterator[Step]:
    """Commands behind ``$`` with what they print, of a block between the fences."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, printed = part.partition("\n")
        yield from (Step("command", command) for command in commands(line))
        if printed.strip():
            yield Step("output", printed)


def _right_below(page: str, end: int, start: int) -> bool:
    """Whether nothing stands between the block of a command, if there was one, and another."""
    return end >= 0 and not page[end:start].strip()


def _included(snippet: re.Match[str]) -> str:
    """The file of the clone that a page shows in place of a copy."""
    return (CLONE / snippet[1]).read_text("utf-8")


def commands(block: str) -> Iterator[str]:
    """The commands of a block, without comments, in one line each.

    Args:
        block: Text between the fences.
    """
    for line in block.replace("\\\n", " ").splitlines():
        command = re.sub(r"(^|\s)#\s.*$", "", line)
        if command.strip():
            yield " ".join(command.split())


def differences(wanted: str, printed: str) -> list[str]:
    """What a command should have printed and did not, line by line.

    Args:
        wanted: As the page has it, ``…`` for anything.
        printed: As it came.

    Returns:
        Lines to show; none where the two agree.
    """
    rest = [_comparable(line) for line in printed.strip().splitlines()]
    skips = False
    for line in wanted.strip().splitlines():
        if line.strip() == "…":
            skips = True
            continue
        pattern = re.compile(".*".join(map(re.escape, _comparable(line).split("…"))))
        found = next((n for n, one in enumerate(rest) if pattern.fullmatch(one)), None)
        if found is None or (found and not skips):
            return [f"  wanted: {line}", f"  printed: {rest[0] if rest else '(nothing more)'}"]
        rest, skips = rest[found + 1 :], False
    return [f"  printed besides: {rest[0]}"] if rest and not skips else []


def _comparable(line: str) -> str:
    return _TIME.sub("#", line.rstrip())


def _environment() -> dict[str, str]:
    """Plain output, a hundred columns wide."""
    forcing = {"FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS"}
    kept = {name: value for name, value in os.environ.items() if name not in forcing}
    return {**kept, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}


def serve(command: str, folder: Path) -> str:
    """Start a server, wait until its page answers, stop it.

    Args:
        command: What starts it; it prints an address on 127.0.0.1.
        folder: Where.

    Returns:
        With which status its page answered.

    Raises:
        RuntimeError: If it ends, or does not answer in time.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=folder, env=_environment(),
            stdout=said, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            until = time.monotonic() + _READY_SECONDS
            while time.monotonic() < until and process.poll() is None:
                said.seek(0)
                if address := _ADDRESS.search(said.read()):
                    try:
                        with urllib.request.urlopen(address[0], timeout=10) as answer:
                            return f"answered with {answer.status}"
                    except urllib.error.URLError:
                        pass
                time.sleep(0.2)
            said.seek(0)
            raise RuntimeError(f"no page answered: {said.read()[-2000:]}")
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def run(command: str, folder: Path) -> str:
    """Run one command in a folder with this clone's ``uv run``.

    Args:
        command: As the page has it.
        folder: Where.

    Returns:
        What it printed on stdout.

    Raises:
        RuntimeError: If it fails; the message ends with what it said.
    """
    own = command.replace("uv run ", f"uv run --project {shlex.quote(str(CLONE))} ")
    if " medfilip-app serve" in own:
        return serve(own, folder)
    done = subprocess.run(
        ["bash", "-c", own], cwd=folder, env=_environment(), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}\n{done.stdout}{done.stderr}"[-4000:])
    return done.stdout


def follow(page: Path, folder: Path, log: IO[str] | None = None) -> Iterator[str]:
    """Do what a page says, in a folder.

    Args:
        page: Markdown file.
        folder: Where its commands run and its files are written.
        log: Where each command and all that it prints on stdout is written too.

    Yields:
        A line for each command, with its time.

    Raises:
        RuntimeError: At the first command that fails or prints something else.
    """
    command, printed = "", ""
    for step in steps(page.read_text("utf-8")):
        if step.kind == "file":
            (folder / step.name).write_text(step.text, encoding="utf-8")
        elif step.kind == "command":
            command, start = step.text, time.monotonic()
            try:
                printed = run(command, folder)
            except RuntimeError as error:
                raise RuntimeError(f"{command}\n{error}") from error
            if log is not None:
                log.write(f"$ {command}\n{printed}\n")
            yield f"{time.monotonic() - start:6.1f} s  {command}"
        elif lines := differences(step.text, printed):
            raise RuntimeError("\n".join([f"{command} prints something else", *lines]))


def main() -> int:
    """Follow the page that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("page", type=Path)
    parser.add_argument("--in", dest="folder", type=Path, help="an empty folder; else a new one")
    parser.add_argument("--log", type=Path, help="write what every command prints to this file")
    arguments = parser.parse_args()
    start = time.monotonic()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            parser.error(f"{str(folder)!r} is not empty")
        log = arguments.log and stack.enter_context(arguments.log.open("w", encoding="utf-8"))
        try:
            for line in follow(arguments.page, folder, log):
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
        except RuntimeError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
    minutes, seconds = divmod(round(time.monotonic() - start), 60)
    sys.stdout.write(
        f"{arguments.page}: every command ran, every output agreed, {minutes} min {seconds} s\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
