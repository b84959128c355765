"""How close the client comes to what a server's latency allows, and what it costs in CPU.

    uv run python packages/gpt-ie/benchmarks/llm_concurrency.py

A server on the loopback address, in a process of its own, answers each request after one second.
With 64 requests under way at once the ideal is 64 reports a second. The reports are made up. A
short run falls behind at its end, when fewer are under way: 2,560 reports lose a second of 40.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection

from gpt_ie.llm.engine import LLMEngine
from gpt_ie.schema import Report
from loopback import Act, LoopbackServer

TEXT = (
    "There is a small left pleural effusion with mild bibasilar atelectasis. No pneumothorax. The "
    "heart is mildly enlarged. No focal consolidation. Degenerative changes of the spine."
)


def _item(category: str, presence: str, evidence: str) -> dict[str, str | None]:
    return {
        "category": category, "severity": None, "location": None, "presence": presence,
        "trend": None, "evidence": evidence,
    }  # fmt: skip


ANSWER = json.dumps(
    {
        "findings": [
            _item("pleural effusion", "present", "small left pleural effusion"),
            _item("atelectasis", "present", "mild bibasilar atelectasis"),
            _item("pneumothorax", "absent", "No pneumothorax"),
            _item("cardiomegaly", "present", "The heart is mildly enlarged"),
            _item("consolidation", "absent", "No focal consolidation"),
        ]
    }
)


def _serve(pipe: Connection, latency: float) -> None:
    with LoopbackServer(lambda _body, _number: Act(text=ANSWER, delay=latency)) as server:
        pipe.send(server.url)
        pipe.recv()


async def _run(engine: LLMEngine, count: int, concurrency: int) -> tuple[float, float]:
    """Wall and CPU seconds; warmed up by one report for each connection."""

    async def worker(reports: Iterator[Report]) -> None:
        for report in reports:
            await engine.aextract(report)

    async def all_of(number: int) -> None:
        reports = (Report(str(n), {"findings": f"{TEXT} Study {n}."}) for n in range(number))
        await asyncio.gather(*(worker(reports) for _ in range(concurrency)))

    await all_of(concurrency)
    wall, cpu = time.perf_counter(), time.process_time()
    await all_of(count)
    result = time.perf_counter() - wall, time.process_time() - cpu
    await engine.aclose()
    return result


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Throughput of the client against a slow server.")
    parser.add_argument("--reports", type=int, default=10_240)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--latency", type=float, default=1.0)
    options = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=_serve, args=(theirs, options.latency), daemon=True)
    process.start()
    engine = LLMEngine("loopback", base_url=ours.recv(), concurrency=options.concurrency)
    wall, cpu = asyncio.run(_run(engine, options.reports, options.concurrency))
    ours.send(None)
    process.join()
    ideal = options.concurrency / options.latency
    rate = options.reports / wall
    print("| reports | concurrency | latency, s | reports/s | of the ideal | CPU ms/report |")
    print("|---:|---:|---:|---:|---:|---:|")
    print(
        f"| {options.reports:,} | {options.concurrency} | {options.latency:g} | {rate:.1f} | "
        f"{rate / ideal:.1%} | {1000 * cpu / options.reports:.1f} |"
    )


if __name__ == "__main__":
    main()
