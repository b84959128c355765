"""Records of classification tasks made by hand, as a report gets them."""

import numpy as np
from medfilip_bench.results import DataInfo, Estimate, ModelInfo, Provenance, Row, RunRecord
from medfilip_bench.series import Bin, Series, Spot

CXR14 = (
    "Atelectasis", "Cardiomegaly", "Effusion", "Infiltration", "Mass", "Nodule", "Pneumonia",
    "Pneumothorax", "Consolidation", "Edema", "Emphysema", "Fibrosis", "Pleural_Thickening",
    "Hernia",
)  # fmt: skip
MIMIC = (
    "scarring", "infection", "fracture", "emphysema", "vascular congestion", "opacification",
    "consolidation", "opacity", "cardiomegaly", "edema", "pneumonia", "atelectasis", "effusion",
    "pneumothorax", "abnormalities", "pneumothoraces",
)  # fmt: skip
MULTI = ("auc", "ap", "ece", *(f"{m}@{p}" for p in ("paper", "held-out") for m in ("acc", "f1")))


class Classified:
    """Makes records of one model; figures are drawn from a generator, so that they differ."""

    def __init__(self, model="run-phantom", seed=0, profile="quick"):
        self.model, self.profile = model, profile
        self.draw = np.random.default_rng(seed)

    def estimate(self, centre=0.75, spread=0.12):
        value = float(np.clip(self.draw.normal(centre, spread), 0.02, 0.97))
        half = float(self.draw.uniform(0.01, 0.05))
        return Estimate(value=value, low=max(value - half, 0), high=min(value + half, 1))

    def metrics(self, names, centre=0.75):
        return {name: self.estimate(centre) for name in names}

    def record(self, task, title, rows, metrics=None, phantom=True, **changes):
        family = task.partition("-")[0]
        full = f"{task}-phantom" if phantom else task
        fields = {
            "task": full,
            "family": family,
            "title": title,
            "about": f"What {title} asks of the model.",
            "key": full.encode().hex().ljust(64, "0")[:64],
            "phantom": phantom,
            "model": ModelInfo(
                name=self.model,
                spec=f"run:runs/{self.model}",
                sha256="a" * 64,
                trained_on="5,000 phantoms (no real image)",
            ),
            "data": DataInfo(
                name=f"{title.rpartition(', ')[2]} ({'phantom twin' if phantom else 'real'})",
                phantom=phantom,
                sha256=("b" if phantom else "c") * 64,
                n=1000,
                patients=1000 if phantom else 640,
                split="test; thresholds from valid",
                threshold_n=500,
                licence="CC0 1.0",
                citation="Wang et al., CVPR 2017",
            ),
            "metrics": metrics or {},
            "rows": rows,
            "notes": ("Phantoms are one image a patient.", "A second note of some length. " * 4),
            "provenance": Provenance(
                command="medfilip-bench all",
                created="2026-11-20T10:00:00+00:00",
                duration_s=12.34,
                seed=0,
                replicates=1000,
                profile=self.profile,
                versions={"python": "3.12.3", "medfilip-bench": "0.1.0", "torch": "2.10.0"},
                machine={"system": "Linux x86_64", "processor": "a processor", "cores": "2"},
            ),
        }
        return RunRecord.model_validate(fields | changes)

    def floor(self, names, owners=("",), **fields):
        return tuple(
            Row(
                id=f"{owner}:{name}" if owner else name,
                name=name,
                kind="baseline",
                n=1000,
                metrics=self.metrics(names, 0.3),
                **fields,
            )
            for owner in owners
            for name in ("all-negative", "prevalence", "random model")
        )

    def multi(self, dataset, title, classes, **fields):
        rows = [
            Row(
                id=name.lower(),
                name=name.replace("_", " "),
                kind="class",
                positives=int(self.draw.integers(1, 200)),
                n=1000,
                metrics=self.metrics(MULTI),
                thresholds={"paper": self.estimate(0.2), "held-out": self.estimate(0.2)},
                text=f"An image of {name}",
            )
            for name in classes
        ]
        if len(classes) > 10:
            nothing = Estimate(value=None, reason="no positives")
            rows[-1] = rows[-1].model_copy(
                update={"positives": 0, "metrics": dict.fromkeys(MULTI, nothing), "thresholds": {}}
            )
        series = Series(
            roc={row.id: self.roc() for row in rows},
            pr={row.id: tuple((x, 1 - y / 2) for x, y in self.roc()) for row in rows},
            reliability={"all": self.bins(), rows[0].id: self.bins()},
        )
        return self.record(
            f"zero_shot-{dataset}",
            f"Zero-shot, {title}",
            (*rows, *self.floor(MULTI)),
            self.metrics(MULTI),
            series=series,
            **fields,
        )

    def roc(self, n=200):
        x = np.linspace(0, 1, n)
        y = np.clip(x ** float(self.draw.uniform(0.1, 0.8)), 0, 1)
        return tuple(zip(x.tolist(), y.tolist(), strict=True))

    def bins(self):
        said = np.linspace(0.05, 0.95, 10)
        return tuple(
            Bin(said=float(s), seen=float(np.clip(s + self.draw.normal(0, 0.07), 0, 1)), n=k * 9)
            for k, s in enumerate(said)
        )

    def single(self, dataset, title, classes, **fields):
        names = ("f1", "precision", "recall", "auc")
        rows = tuple(
            Row(id=c, name=c, kind="class", positives=60, n=1000, metrics=self.metrics(names, 0.5))
            for c in classes
        )
        matrix = self.draw.integers(0, 12, (len(classes), len(classes)))
        matrix += np.diag(self.draw.integers(5, 60, len(classes)))
        overall = ("acc", "macro_f1")
        series = Series(
            confusion=tuple(map(tuple, matrix.tolist())),
            confusion_names=tuple(classes),
            embedding=self.spots(),
        )
        return self.record(
            f"zero_shot-{dataset}",
            f"Zero-shot, {title}",
            (*rows, *self.floor(overall)),
            self.metrics(overall),
            series=series,
            **fields,
        )

    def spots(self):
        out = []
        for c, label in enumerate(("pleural_effusion", "pneumothorax", "edema", "mass")):
            for k in range(90):
                x, y = self.draw.normal((c % 2, c // 2), 0.3)
                sub = ("mild", "moderate", "severe", None)[k % 4]
                out.append(Spot(x=x, y=y, kind="image", label=label, sub=sub))
            out += [
                Spot(x=c % 2 + 0.1 * k, y=c // 2 + 0.1, kind="text", label=label, sub=sub)
                for k, sub in enumerate(("mild", "moderate", "severe"))
            ]
        return tuple(out)

    def unseen(self, dataset, title, **fields):
        names = ("auc", "ap", *(f"{m}@{p}" for p in ("paper", "held-out") for m in ("acc", "f1")))
        asked = {
            "pneumonia": "name “Pneumonia”",
            "covid19": "name “COVID-19”",
            "explanation": "explanation",
            "explained": "name and explanation",
        }
        rows = tuple(
            Row(
                id=key,
                name=words,
                kind="variant",
                positives=500,
                n=1000,
                metrics=self.metrics(names),
                thresholds={"paper": self.estimate(0.2), "held-out": self.estimate(0.2)},
            )
            for key, words in asked.items()
        )
        return self.record(
            f"unseen-{dataset}",
            f"Unseen disease: COVID-19, {title}",
            (*rows, *self.floor(names)),
            {"auc_gain": Estimate(value=0.031, low=-0.012, high=0.07)},
            series=Series(roc={key: self.roc() for key in asked}),
            **fields,
        )

    def extraction(self, **fields):
        names = ("precision", "recall", "f1")
        rows = [
            Row(id=c, name=c, kind="class", positives=90, n=1000, metrics=self.metrics(names, 0.9))
            for c in MIMIC
        ]
        rows.append(
            Row(id="every mention is present", name="every mention is present", kind="baseline",
                n=1000, metrics=self.metrics(("micro_f1", "macro_f1"), 0.6))
        )  # fmt: skip
        overall = self.metrics(("micro_f1", "macro_f1"), 0.9)
        title = "Extraction from reports"
        return self.record("extraction-mimic_multi", title, tuple(rows), overall, **fields)
