"""How long importing, loading and looking up take.

    uv run python packages/iki-knowledge/benchmarks/speed.py

Import and load in fresh processes, the best of seven: other work on the machine only ever adds.
"""

import subprocess
import sys
import time

from iki_knowledge import load_knowledge

IMPORT = (
    "import time; t = time.perf_counter(); import iki_knowledge; print(time.perf_counter() - t)"
)
LOAD = (
    "import time; from iki_knowledge import load_knowledge as load; t = time.perf_counter();"
    "load(); print(time.perf_counter() - t)"
)
FORMS = ["Pleural-Effusions", "small right pleural effusion", "nothing of the kind", "mass"]


def fresh(code: str) -> tuple[float, float]:
    """Seconds that the code reports, and of the whole process, the best of seven."""
    inside: list[float] = []
    whole: list[float] = []
    for _ in range(7):
        begin = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        whole.append(time.perf_counter() - begin)
        inside.append(float(done.stdout))
    return min(inside), min(whole)


def look_ups() -> float:
    """Phrases resolved a second, the best of five."""
    kb = load_knowledge()
    best = 0.0
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(20_000):
            for form in FORMS:
                kb.resolve(form)
        best = max(best, 20_000 * len(FORMS) / (time.perf_counter() - begin))
    return best


def main() -> None:
    """Print the three figures."""
    inside, whole = fresh(IMPORT)
    print(f"import iki_knowledge    {inside:.3f} s, python and all {whole:.3f} s")
    print(f"load_knowledge()        {fresh(LOAD)[0]:.3f} s")
    print(f"kb.resolve              {look_ups():,.0f} phrases a second")


if __name__ == "__main__":
    main()
