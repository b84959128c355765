"""Phantoms as a prepared data set, drawn where they are stored."""

from pathlib import Path

from iki_knowledge import KnowledgeBase

from medfilip_model.builders.items import Item
from medfilip_model.builders.options import BuildOptions
from medfilip_model.builders.origins import PhantomOrigin
from medfilip_model.builders.result import BuiltSet, Draft, build
from medfilip_model.data.samples import Sample, Split
from medfilip_model.errors import ConfigError
from medfilip_model.phantom import (
    GENERATOR_VERSION,
    SEEN_CATEGORIES,
    PhantomConfig,
    plan_phantom,
    split_of,
)
from medfilip_model.progress import Listener, Silent

_SPLITS: dict[str, Split] = {"train": "train", "valid": "valid", "test": "test"}


def build_phantoms(
    n: int,
    out: Path,
    kb: KnowledgeBase,
    *,
    config: PhantomConfig | None = None,
    options: BuildOptions | None = None,
    reports: bool = False,
    listener: Listener | None = None,
) -> BuiltSet:
    """Draw phantoms 0 … n - 1 into a prepared data set; each is a patient of its own.

    Args:
        n: How many; at least 1.
        out: Folder to write.
        kb: Dictionary, for its version.
        config: The recipe; its size is replaced by that of `options`.
        options: How images are stored.
        reports: Whether their reports are kept.
        listener: Hears how far it is.

    Returns:
        What was written; seven tenths train, one valid, two test.

    Raises:
        ConfigError: `n` is below 1.
        DataError: See `medfilip_model.builders.result.build`.
    """
    if n < 1:
        raise ConfigError(f"n is {n!r}; ask for 1 phantom or more")
    options = options or BuildOptions()
    recipe = (config or PhantomConfig()).model_copy(update={"size": options.size})
    state = f"{GENERATOR_VERSION} {recipe.model_dump_json()}"
    items: list[Item] = []
    for index in range(n):
        plan = plan_phantom(recipe, index)
        items.append(
            Item(
                Sample(
                    id=plan.id,
                    patient_id=plan.id.replace("phantom", "patient"),
                    split=_SPLITS[split_of(index)],
                    findings=plan.findings,
                    report=f"{plan.report.findings}\n\n{plan.report.impression}"
                    if reports
                    else None,
                    view="PA",
                ),
                place=index,
                state=state,
            )
        )
    draft = Draft(
        name="phantoms",
        source={"kind": "phantom", "generator": str(GENERATOR_VERSION)},
        items=items,
        origin=PhantomOrigin(recipe),
        knowledge=kb.version,
        classes=SEEN_CATEGORIES,
        choices={"phantom": recipe.model_dump(mode="json")},
    )
    return build(draft, out, options, listener or Silent())
