"""Questions (one file each); `catalogue` lists them with the data sets they are asked of."""

from medfilip_bench.tasks.task import Bench, Outcome, Task

__all__ = ["Bench", "Outcome", "Task"]
