"""What there is to run: tasks with what is pinned of them, and models."""

from collections.abc import Mapping

from iki_knowledge import Finding, load_knowledge

from medfilip_bench.datasets import READERS
from medfilip_bench.errors import UnknownNameError
from medfilip_bench.models.registry import MODELS
from medfilip_bench.plan import PHANTOM
from medfilip_bench.protocols import CATEGORY_PROMPT
from medfilip_bench.tasks import Task
from medfilip_bench.tasks.catalogue import catalogue


def listing() -> dict[str, object]:
    """Return tasks and models as JSON can hold them."""
    tasks = [
        {
            "name": task.name,
            "family": task.family,
            "dataset": task.dataset,
            "title": task.title,
            "needs": task.needs,
            "real": task.real,
            "phantom": f"{task.name}{PHANTOM}" if task.twin else None,
        }
        for task in catalogue().values()
    ]
    return {"tasks": tasks, "models": dict(MODELS)}


def listing_text() -> str:
    """Return tasks and models as a terminal shows them."""
    tasks = catalogue()
    wide = max(map(len, tasks))
    lines = ["tasks (with -phantom behind the name: on the phantom twin)"]
    lines += [f"  {name:<{wide}}  {task.title}{_sources(task)}" for name, task in tasks.items()]
    lines += [
        "  A folder with manifest.csv under --data gets tasks with its own name behind the family.",
        "models",
    ]
    wide = max(map(len, MODELS))
    return "\n".join(lines + [f"  {name:<{wide}}  {words}" for name, words in MODELS.items()])


def _sources(task: Task) -> str:
    if task.real and task.twin:
        return ""
    return " (phantoms only)" if task.twin else " (real data only)"


def details(name: str) -> dict[str, object]:
    """Return what is pinned of a task.

    Args:
        name: Its name, with or without ``-phantom``.

    Raises:
        UnknownNameError: If no task has this name.
    """
    tasks = catalogue()
    task = tasks.get(name.removesuffix(PHANTOM))
    if task is None:
        raise UnknownNameError("task", name, tasks)
    card = READERS[task.dataset].card
    return {
        "task": task.name,
        "version": task.version,
        "question": task.about,
        "needs": task.needs,
        "data set": card.name,
        "source": card.source,
        "licence": card.licence,
        "access": card.access,
        "citation": card.citation,
        "splits": card.splits,
        "classes": dict(card.classes) or "those that its files name",
        "prompts": _prompts(card.classes),
        "notes": list(card.notes),
        "files": {file.path: file.what for file in card.layout},
        "phantom twin": f"{task.name}{PHANTOM}" if task.twin else None,
    }


def _prompts(classes: Mapping[str, str]) -> dict[str, str]:
    """Return the first text of each kind, for the first class."""
    if not classes:
        return {}
    kb = load_knowledge()
    name, category = next(iter(classes.items()))
    return {
        "models of medfilip-train": kb.text(Finding(category=category), template="paper"),
        "other models": CATEGORY_PROMPT.format(category=name.replace("_", " ").lower()),
    }


def details_text(name: str) -> str:
    """Return what is pinned of a task as a terminal shows it."""
    lines: list[str] = []
    for key, value in details(name).items():
        if isinstance(value, Mapping):
            lines.append(key)
            lines += [f"  {k}: {v}" for k, v in value.items()]
        elif isinstance(value, list):
            lines.append(key)
            lines += [f"  {item}" for item in value]
        elif value is not None:
            lines.append(f"{key}: {value}")
    return "\n".join(lines)
