"""Does pre-training on phantoms help on real images? A linear probe at 10 % of the labels.

    uv run python packages/medfilip-model/benchmarks/pretraining.py --run runs/phantom-augmented

Tasks: effusion, cardiomegaly and any finding on NIH ChestX-ray14 (two small sets in
$MEDFILIP_DATA), and pneumonia on paediatric films (Kermany), whose labels follow their source
closely. Features are those before the projection, frozen, all from 64-pixel images: of the run's
encoder, and of the same encoder with random weights, once with batch normalisation as it starts and
once with the statistics of these images, which makes random features better.

Each of five seeds draws random weights, divides the patients into five parts, and tests on each
part a logistic regression that saw 10 % of the other parts' images; its C is chosen by
cross-validation inside those 10 %. AUC is the mean over parts and seeds; intervals (95 %) are by
bootstrap over patients and seeds, paired for differences: same draws, same images, same patients.

Features are kept in --out, so that a second call is quick. Results as a table, and as JSON there.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from iki_knowledge import load_knowledge
from medfilip_model import MedFILIP, load_model
from medfilip_model.bootstrap import Estimate, patient_weights, pooled, weighted_auc
from medfilip_model.data.folder import load_folder
from medfilip_model.data.pixels import load_images
from medfilip_model.data.transforms import resize, standardise
from nih import own_valid, read_sets, split, write_folder
from sklearn.linear_model import LogisticRegressionCV
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SIZE = 64
PARTS = 5
SHARE = 0.1
REPLICATES = 1000
COSTS = np.logspace(-4, 0, 5)
ENCODERS = ("pre-trained", "random", "random, own statistics")


@dataclass(frozen=True)
class Images:
    """Real images, whose they are, and what is asked of them."""

    pixels: np.ndarray
    patients: np.ndarray
    truth: dict[str, np.ndarray]


def nih(data: Path, out: Path) -> Images:
    """Both sets at 64 pixels."""
    rows = read_sets(data)
    folder = write_folder(split(rows, own_valid(rows)), data, out / "nih")
    images = load_folder(folder, load_knowledge(), size=SIZE, workers=1)
    found = [{finding.category for finding in sample.present} for sample in images.samples]
    truth = {
        "NIH effusion": np.array(["pleural_effusion" in shown for shown in found]),
        "NIH cardiomegaly": np.array(["cardiomegaly" in shown for shown in found]),
        "NIH any finding": np.array([bool(shown) for shown in found]),
    }
    patients = np.array([sample.patient_id for sample in images.samples])
    return Images(np.asarray(images.pixels), patients, truth)


def kermany(data: Path) -> Images:
    """Paediatric films: pneumonia or normal."""
    import csv

    folder = data / "kermany_320"
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pixels, skipped = load_images([folder / "images" / row["file"] for row in rows], SIZE)
    rows = [row for number, row in enumerate(rows) if number not in skipped]
    truth = np.array([row["label"] != "NORMAL" for row in rows])
    patients = np.array([row["patient_key"] for row in rows])
    return Images(np.asarray(pixels), patients, {"Kermany pneumonia": truth})


def features(model: MedFILIP, pixels: np.ndarray, *, adapt: bool) -> np.ndarray:
    """Pooled features of the image tower, [N, F]; with `adapt`, batch statistics of the images."""
    norms = [m for m in model.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]

    def run() -> np.ndarray:
        parts = []
        for start in range(0, len(pixels), 128):
            images = torch.from_numpy(pixels[start : start + 128])[:, None]
            ready = standardise(resize(images, model.config.size))
            parts.append(model.image_tower(ready.contiguous(memory_format=torch.channels_last)))
        return torch.cat(parts).numpy()

    with torch.inference_mode():
        if adapt:
            model.train()
            for norm in norms:
                norm.reset_running_stats()
                norm.momentum = None  # the plain mean over all batches
            run()
        model.eval()
        return run()


def remembered(out: Path, key: str, make: Callable[[], np.ndarray]) -> np.ndarray:
    """An array from an earlier call, or made and kept."""
    path = out / f"{hashlib.sha256(key.encode()).hexdigest()[:20]}.npy"
    if not path.exists():
        partial = path.with_suffix(".partial.npy")
        np.save(partial, make())
        partial.replace(path)
    return np.load(path)


def random_model(run: Path, seed: int) -> MedFILIP:
    """The run's network with weights of a seed."""
    torch.manual_seed(seed)
    return MedFILIP(load_model(run).config, load=False)


def encoders(run: Path, pixels: np.ndarray, name: str, seed: int, out: Path) -> list[np.ndarray]:
    """Features of each of `ENCODERS`."""
    manifest = next((run / "checkpoints" / "last").glob("manifest.json"), run / "manifest.json")
    which = hashlib.sha256(manifest.read_bytes() + pixels.tobytes()).hexdigest()

    def of(kind: str, make: Callable[[], MedFILIP], *, adapt: bool) -> np.ndarray:
        key = f"{which} {name} {kind}"
        return remembered(out, key, lambda: features(make(), pixels, adapt=adapt))

    return [
        of("run", lambda: load_model(run), adapt=False),
        of(f"random {seed}", lambda: random_model(run, seed), adapt=False),
        of(f"adapted {seed}", lambda: random_model(run, seed), adapt=True),
    ]


def probe(values: np.ndarray, truth: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Score all images by a linear model fitted to the chosen ones."""
    folds = min(3, int(truth[chosen].sum()))
    model = make_pipeline(
        StandardScaler(),
        LogisticRegressionCV(
            Cs=COSTS,
            cv=StratifiedKFold(folds, shuffle=True, random_state=0),
            scoring="roc_auc",
            class_weight="balanced",
            max_iter=200,
            l1_ratios=(0.0,),
            use_legacy_attributes=False,
        ),
    )
    with warnings.catch_warnings():
        # Of fits that stop early where C is large: they are candidates like the others.
        warnings.simplefilter("ignore")
        model.fit(values[chosen], truth[chosen])
    return model.decision_function(values)


def draw(truth: np.ndarray, among: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """10 % of the positives and of the negatives, at least three of each."""
    rows: list[np.ndarray] = []
    for value in (True, False):
        own = np.flatnonzero(among & (truth == value))
        rows.append(rng.choice(own, max(3, round(SHARE * len(own))), replace=False))
    return np.concatenate(rows)


def measure(
    images: Images, truth: np.ndarray, values: list[list[np.ndarray]], weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """AUC of each encoder and seed, [E, S] on all images and [E, S, R] on each replicate."""
    ones = np.ones((1, len(truth)), dtype=np.int64)
    whole = np.zeros((len(ENCODERS), len(values)))
    drawn = np.zeros((len(ENCODERS), len(values), len(weights)))
    people = np.unique(images.patients)
    for seed, encoded in enumerate(values):
        rng = np.random.default_rng((seed, 7))
        part = dict(zip(people, rng.permutation(len(people)) % PARTS, strict=True))
        parts = np.array([part[patient] for patient in images.patients])
        scored: list[list[np.ndarray]] = [[] for _ in ENCODERS]
        for held in range(PARTS):
            tested = parts == held
            chosen = draw(truth, ~tested, rng)
            for number, own in enumerate(encoded):
                scores = probe(own, truth, chosen)[tested]
                of_part = np.concatenate([ones, weights])[:, tested]
                scored[number].append(weighted_auc(scores, truth[tested], of_part))
        for number, rows in enumerate(scored):
            # A part without positives in a replicate says nothing in it.
            means = np.nanmean(rows, axis=0)
            whole[number, seed], drawn[number, seed] = means[0], means[1:]
    return whole, drawn


def text(found: Estimate, *, sign: bool = False) -> str:
    """A table cell."""
    if found.value is None or found.low is None or found.high is None:
        return "undefined"
    plus = "+" if sign else ""
    return f"{found.value:{plus}.3f} [{found.low:{plus}.3f}, {found.high:{plus}.3f}]"


def main() -> None:
    """Parse the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run", type=Path, default=Path("runs/phantom-augmented"), help="pre-trained run"
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("MEDFILIP_DATA"))
    parser.add_argument("--out", type=Path, default=Path("runs/pretraining"))
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    if given.data is None:
        parser.error("--data, or MEDFILIP_DATA, must name the folder of the real sets")
    begun = time.perf_counter()
    torch.set_num_threads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, Estimate]] = {}
    columns = [*ENCODERS, *(f"gain over {name}" for name in ENCODERS[1:])]
    print(f"| task | images, positives | {' | '.join(columns)} |")
    print("| --- |" + " --- |" * (len(columns) + 1))
    for name, images in (("nih", nih(given.data, given.out)), ("kermany", kermany(given.data))):
        values: list[list[np.ndarray]] = []
        for seed in range(given.seeds):
            values.append(encoders(given.run, images.pixels, name, seed, given.out))
            print(f"{name}: features of seed {seed}", file=sys.stderr)
        weights = patient_weights(
            images.patients.tolist(), REPLICATES, np.random.default_rng(20261122)
        )
        for task, truth in images.truth.items():
            whole, drawn = measure(images, truth, values, weights)
            # The same repetitions are drawn for every row, so that differences are paired.
            found = [
                pooled(*rows, np.random.default_rng(1)) for rows in zip(whole, drawn, strict=True)
            ]
            gains = [
                pooled(whole[0] - whole[n], drawn[0] - drawn[n], np.random.default_rng(1))
                for n in range(1, len(ENCODERS))
            ]
            results[task] = dict(zip(columns, [*found, *gains], strict=True))
            cells = [*(text(one) for one in found), *(text(one, sign=True) for one in gains)]
            print(f"| {task} | {len(truth)}, {truth.sum()} | {' | '.join(cells)} |", flush=True)
    content = {task: {k: v._asdict() for k, v in row.items()} for task, row in results.items()}
    record = {"run": str(given.run), "seeds": given.seeds, "results": content}
    (given.out / "pretraining.json").write_text(json.dumps(record, indent=2) + "\n")
    print(f"\n{given.seeds} seeds, {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
