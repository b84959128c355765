"""One task, one file; `TASKS` is the list."""

from collections.abc import Mapping

from medfilip_bench.tasks import (
    extraction,
    folder,
    retrieval,
    unseen,
    zero_shot_multi,
    zero_shot_single,
)
from medfilip_bench.tasks.task import Task

TASKS: Mapping[str, Task] = {
    module.TASK.name: module.TASK
    for module in (extraction, zero_shot_single, zero_shot_multi, unseen, retrieval, folder)
}

__all__ = ["TASKS", "Task"]
