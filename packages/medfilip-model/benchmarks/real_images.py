"""Training on a few real images: held-out zero-shot AUC on NIH ChestX-ray14, in five folds.

    uv run python packages/medfilip-model/benchmarks/real_images.py --start runs/phantom-augmented

The sets nih_cxr14_64 and nih_cxr14_320 of $MEDFILIP_DATA (800 and 737 images) become one prepared
data set a fold (`medfilip prepare folder`, labels as findings). The folds divide the 221 patients
of the 64-pixel set, each held out once, so that every fold has patients with effusion and with
cardiomegaly. A fold's model is the recipe `real`, trained with a seed of its own for a fixed number
of epochs on all images of all other patients, those of 320 pixels included; its last checkpoint is
scored on the fold's 64-pixel images. The recipe's settings were chosen in an earlier split, on some
of these patients, so that the row "trained" may flatter by what such a choice can; --tune leaves
each fold out and holds out the next one instead, to choose settings for that fold without it.

Each class is scored by the cosine of the image with its one text, "any finding" by that with the
text of an image without findings, turned round. Other scores for "any finding" that need no labels
were tried where no held-out patient is (phantoms; patients that only the 320-pixel set has): the
highest or the mean cosine of the classes, alone or less that one, and its share of a softmax over
all. Alone they were mostly worse, and of the others none was better in every trial: the simplest
one stands.

AUC compares images of one fold only, as each fold has its own model; folds weigh as many pairs as
they have. Intervals (95 %) are by bootstrap over patients, for these five models: how much another
seed would change, they do not tell. A fold that was cut off goes on, and what a finished one came
to is read from its JSON. Table on stdout, JSON in --out.
"""

import argparse
import hashlib
import json
import os
import platform
import sys
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from iki_knowledge import Finding, KnowledgeBase, load_knowledge
from medfilip_model import MedFILIP, TrainConfig, load_model, train
from medfilip_model.bootstrap import Estimate, grouped_auc, patient_weights, pooled
from medfilip_model.builders import BuildOptions, build_folder
from medfilip_model.data.samples import ImageSet, labels
from medfilip_model.data.shards import load_prepared
from medfilip_model.encode import encode_images, encode_texts
from medfilip_model.overrides import build_config
from nih import Row, folds, read_sets, split, write_folder

CLASSES = {"effusion": "pleural_effusion", "cardiomegaly": "cardiomegaly"}
STORED = 64
FOLDS = 5
REPLICATES = 2000


def held_out(rows: Sequence[Row], number: int, *, tune: bool) -> tuple[set[str], set[str]]:
    """The patients that a fold holds out, and those that it leaves out."""
    of = folds(rows, FOLDS)
    parts = [{patient for patient, fold in of.items() if fold == n} for n in range(FOLDS)]
    return (parts[(number + 1) % FOLDS], parts[number]) if tune else (parts[number], set())


def prepared(
    rows: Sequence[Row], held: tuple[Collection[str], Collection[str]], given: argparse.Namespace
) -> Path:
    """The prepared data set of a split; written once."""
    made = split(rows, *held)
    # Named by what is in it: a folder of other images is never taken for this one.
    content = json.dumps([(row.file, row.labels, row.patient, part) for row, part in made])
    which = hashlib.sha256(content.encode()).hexdigest()[:12]
    folder = write_folder(made, given.data, given.out / f"nih-{which}")
    target = given.out / f"prepared-{which}"
    options = BuildOptions(size=STORED, encoding="png", workers=1)
    build_folder(folder, target, load_knowledge(), options=options)
    return target


def score(
    model: MedFILIP, images: ImageSet, rows: list[int], kb: KnowledgeBase, config: TrainConfig
) -> dict[str, list[float]]:
    """A number for each held-out image and class; higher is likelier."""
    texts = [kb.text(Finding(category=c), config.data.template) for c in CLASSES.values()]
    encoded = encode_texts(model, [*texts, config.data.normal])
    cosines = (encode_images(model, images.pixels[np.array(rows)]) @ encoded.T).numpy()
    named = dict(zip(CLASSES, cosines.T.tolist(), strict=False))
    return {**named, "any finding": (-cosines[:, -1]).tolist()}


def truths(images: ImageSet, rows: list[int], kb: KnowledgeBase) -> dict[str, list[bool]]:
    """Which held-out images show what."""
    samples = [images.samples[row] for row in rows]
    known = labels(samples, list(CLASSES.values()), kb) == 1
    named = dict(zip(CLASSES, known.T.tolist(), strict=True))
    return {**named, "any finding": [bool(sample.present) for sample in samples]}


def weights_of(run: Path | None) -> str | None:
    """What tells the weights of a run from others."""
    if run is None:
        return None
    manifest = next((run / "checkpoints" / "last").glob("manifest.json"), run / "manifest.json")
    return hashlib.sha256(manifest.read_bytes()).hexdigest()


def fold(path: Path, run: TrainConfig, kb: KnowledgeBase) -> dict[str, Any]:
    """Train and score one fold, or read what it came to."""
    own = {"config": run.model_dump(mode="json"), "start": weights_of(run.start)}
    if path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
        if {key: record[key] for key in own} != own:
            sys.exit(f"{path} is of other settings or first weights: give another --name")
        return record
    assert run.data.folder is not None
    images = load_prepared(run.data.folder, kb, size=STORED)
    rows = images.rows("valid")
    scores = {"trained": score(load_model(train(run).out), images, rows, kb, run)}
    if run.start is not None:
        scores["phantoms alone"] = score(load_model(run.start), images, rows, kb, run)
    record = {
        **own,
        "training_images": len(images.rows("train")),
        "images": [images.samples[row].id for row in rows],
        "patients": [images.samples[row].patient_id for row in rows],
        "truth": truths(images, rows, kb),
        "scores": scores,
    }
    write(path, record)
    return record


def write(path: Path, record: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    partial.replace(path)


def estimate(
    column: str, name: str, records: list[dict[str, Any]], weights: np.ndarray
) -> Estimate:
    """AUC of a class over all folds."""
    scores = np.concatenate([record["scores"][column][name] for record in records])
    positive = np.concatenate([record["truth"][name] for record in records])
    groups = np.repeat(np.arange(len(records)), [len(record["images"]) for record in records])
    every = np.concatenate([np.ones((1, len(scores)), dtype=np.int64), weights])
    found = grouped_auc(scores, positive, groups, every)
    return pooled(found[:1], found[None, 1:], np.random.default_rng(1))


def text(found: Estimate) -> str:
    """A table cell."""
    if found.value is None or found.low is None or found.high is None:
        return "undefined"
    return f"{found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("MEDFILIP_DATA"))
    parser.add_argument("--out", type=Path, default=Path("runs/real-images"))
    parser.add_argument("--name", default="real", help="of the runs in --out, when settings differ")
    parser.add_argument(
        "--start", default="runs/phantom-augmented", help="run to start from, or none"
    )
    parser.add_argument("--tune", action="store_true", help="hold out the next fold instead")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data, or MEDFILIP_DATA, must name the folder of the real sets")
    return given


def main() -> None:
    """Prepare, train, score, print."""
    given, kb, begun = arguments(), load_knowledge(), time.perf_counter()
    torch.set_num_threads(1)
    name = f"{given.name}-tune" if given.tune else given.name
    own = [f"model.size={STORED}", f"start={given.start}"]
    config = build_config("real", settings=[*own, *given.set])
    sets = read_sets(given.data)
    records: list[dict[str, Any]] = []
    for number in range(FOLDS):
        folder = prepared(sets, held_out(sets, number, tune=given.tune), given)
        out = given.out / f"{name}-fold-{number}"
        run = config.replace(
            out=out, seed=number, data__folder=folder, data__workers=1, trackers=()
        )
        records.append(fold(out.with_name(f"{out.name}.json"), run, kb))
        print(f"fold {number}: {time.perf_counter() - begun:.0f} s", file=sys.stderr)
    patients = [patient for record in records for patient in record["patients"]]
    weights = patient_weights(patients, REPLICATES, np.random.default_rng(20261122))
    columns = list(records[0]["scores"])
    print(
        f"{len(patients)} held-out images of {len(set(patients))} patients in {FOLDS} folds"
        f"{' (tune)' if given.tune else ''}, each scored by a model trained on "
        f"{min(record['training_images'] for record in records)} to "
        f"{max(record['training_images'] for record in records)} images of others; start "
        f"{given.start}, {config.epochs} epochs at {config.model.size} px; "
        f"{time.perf_counter() - begun:.0f} s, {platform.machine()}, one core\n"
    )
    print(f"| class | positives | their patients | {' | '.join(columns)} |")
    print("| --- |" + " --- |" * (len(columns) + 2))
    results: dict[str, dict[str, Any]] = {column: {} for column in columns}
    for shown in records[0]["truth"]:
        positive = [one for record in records for one in record["truth"][shown]]
        people = {patient for patient, one in zip(patients, positive, strict=True) if one}
        found = {column: estimate(column, shown, records, weights) for column in columns}
        for column, one in found.items():
            results[column][shown] = one._asdict()
        cells = " | ".join(text(one) for one in found.values())
        print(f"| {shown} | {sum(positive)} | {len(people)} | {cells} |")
    summary = {"config": config.model_dump(mode="json"), "folds": FOLDS, "results": results}
    write(given.out / f"{name}.json", summary)


if __name__ == "__main__":
    main()
