"""The model card: what a model is, was trained on, scored, and is not for."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from medfilip_model.checkpoint import Checkpoint
from medfilip_model.export.card_loading import loading
from medfilip_model.export.description import published
from medfilip_model.export.result import Check, Kind
from medfilip_model.model import MedFILIP

_TASKS: Mapping[Kind, str] = {"timm": "image-feature-extraction"}
_LIBRARIES: Mapping[Kind, str] = {"timm": "timm", "onnx": "onnx"}

_USE = """\
Research on representations of chest radiographs: zero-shot classification by text, retrieval,
linear probes, a starting point for further training, teaching.

**Not for clinical use.** It is no medical device, was tested for no clinical purpose and by no
regulator, and must not inform the care of any patient."""

_LIMITS = """\
- Similarities rank images within a class; they are no probabilities of disease.
- It knows frontal chest radiographs only, and answers for any other image all the same.
- It was not tested for differences between ages, sexes, hospitals or machines.
- A text that it does not know, a negation or an unusual wording can score high by chance."""


def card(kind: Kind, name: str, checkpoint: Checkpoint, checks: Sequence[Check]) -> str:
    """Write the card of an export as Markdown, with the header that model hubs read.

    Args:
        kind: What the export is for.
        name: Of the model, for the title.
        checkpoint: The model and the record of its training.
        checks: What was compared.

    Returns:
        The content of README.md.
    """
    record = cast(Mapping[str, Any], published(checkpoint.config))
    config, came = record.get("config", {}), record.get("resolved", {})
    data = config.get("data", {})
    phantoms = "config" in record and data.get("folder") is None
    parts = {
        "How to load it": loading(kind, checkpoint.model, name),
        "What it is": _what(checkpoint.model),
        "Data": _data(data, came, phantoms=phantoms),
        "Metrics": _metrics(checkpoint.extra.get("metrics"), came, phantoms=phantoms),
        "Intended use": _USE,
        "Limits": ("- It has seen drawings and no radiograph of a person.\n" if phantoms else "")
        + _LIMITS,
        "Licences": _licences(checkpoint.model, phantoms=phantoms),
        "Checked": _checked(checks),
        "Made by": _made(config, came),
    }
    sections = "\n\n".join(f"## {title}\n\n{text}" for title, text in parts.items())
    return (
        f"{_header(kind, checkpoint.model, phantoms=phantoms)}\n# {name}\n\n"
        "A vision-language model of chest radiographs, trained by medfilip-model. "
        f"**Not for clinical use.**\n\n{sections}\n"
    )


def _header(kind: Kind, model: MedFILIP, *, phantoms: bool) -> str:
    lines = [
        f"library_name: {_LIBRARIES.get(kind, 'medfilip-model')}",
        f"pipeline_tag: {_TASKS.get(kind, 'zero-shot-image-classification')}",
        "tags: [chest-x-ray, medical-imaging, vision-language, not-for-clinical-use]",
    ]
    if phantoms and not _origins(model):
        lines.insert(0, "license: apache-2.0")
    return "---\n" + "\n".join(lines) + "\n---\n"


def _what(model: MedFILIP) -> str:
    config = model.config
    text = config.text.kind if config.text.name is None else f"{config.text.kind} text encoder"
    rows = [
        f"- Image tower: {config.image.kind} `{config.image.name}`, one grey channel, "
        f"{config.size} × {config.size} pixels; each image is standardised alone.",
        f"- Text tower: {text}, at most {config.text.context} tokens.",
        f"- Common space: {config.embed} dimensions, cosine similarity, scale "
        f"{float(model.logit_scale.detach()):.3g}.",
        f"- Parameters: {sum(p.numel() for p in model.parameters()):,}.",
    ]
    if model.fusion is not None:
        rows.append("- A fusion head answers for the presence and the place of entities.")
    return "\n".join(rows)


def _data(data: Mapping[str, Any], came: Mapping[str, Any], *, phantoms: bool) -> str:
    if not data:
        return "Not on record."
    source = (
        "Procedurally drawn phantom radiographs (medfilip-model's own); no image of a person"
        if phantoms
        else f"The data set `{data['folder']}` ({came.get('images', 'images')})"
    )
    findings = data.get("findings")
    return (
        f"{source}: {_count(came, 'train')} images to train on, {_count(came, 'valid')} held out, "
        f"{_count(came, 'skipped')} skipped as unreadable. Texts: {_count(came, 'texts')}, by the "
        f"template `{data.get('template')}` from dictionary {came.get('knowledge', '(unknown)')}"
        + (f"; findings of the training images from `{findings}`." if findings else ".")
    )


def _metrics(metrics: object, came: Mapping[str, Any], *, phantoms: bool) -> str:
    if not isinstance(metrics, Mapping):
        return "None on record."
    scores = cast(Mapping[str, Any], metrics)
    what = "held-out phantoms" if phantoms else "held-out images"
    by_class = cast(Mapping[str, float | None], scores.get("auc") or {})
    rows = [f"| {name} | {_number(value)} |" for name, value in by_class.items()]
    return "\n".join(
        [
            f"Zero-shot AUC on {_count(came, 'valid')} {what}, after epoch {scores.get('epoch')}; "
            "one run, one seed, measured by the training itself.",
            "",
            "| class | AUC |",
            "|---|---|",
            *rows,
            f"| **mean** | {_number(scores.get('macro_auc'))} |",
        ]
    )


def _licences(model: MedFILIP, *, phantoms: bool) -> str:
    lines = ["- medfilip-model, its dictionary and its phantoms: Apache-2.0."]
    lines += [
        f"- Training began from {origin}: its licence holds too." for origin in _origins(model)
    ]
    if model.config.text.kind != "hf":
        lines.append("- The byte-pair vocabulary is CLIP's (MIT).")
    if not phantoms:
        lines.append(
            "- Who publishes these weights sees to it that the terms of the training images and "
            "reports allow it; data of credentialed access (MIMIC-CXR) restrict it. No licence is "
            "named in the header for that reason."
        )
    return "\n".join(lines)


def _origins(model: MedFILIP) -> list[str]:
    towers = (("image", model.config.image), ("text", model.config.text))
    return [
        f"the weights {published(tower.weights)!r} of the {kind} tower "
        f"({tower.kind} {published(tower.name)})"
        for kind, tower in towers
        if tower.weights is not None
    ]


def _checked(checks: Sequence[Check]) -> str:
    rows = [f"| {check.part} | {check.difference:.1e} | {check.scale:.2g} |" for check in checks]
    return "\n".join(
        [
            "Largest difference to the model in torch (float32, CPU), and the largest value there:",
            "",
            "| part | difference | value |",
            "|---|---|---|",
            *rows,
        ]
    )


def _made(config: Mapping[str, Any], came: Mapping[str, Any]) -> str:
    versions = cast(Mapping[str, str], came.get("versions", {}))
    shown = ", ".join(f"{name} {number}" for name, number in versions.items()) or "not on record"
    return (
        f"Recipe `{config.get('recipe', 'unknown')}`, seed {config.get('seed', 'unknown')}, "
        f"precision {came.get('precision', 'unknown')}; {shown}."
    )


def _count(came: Mapping[str, Any], key: str) -> str:
    value = came.get(key)
    return f"{value:,}" if isinstance(value, int) else "an unknown number of"


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"
