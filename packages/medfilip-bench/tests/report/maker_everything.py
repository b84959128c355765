"""Records of all other tasks, and of two models side by side."""

import base64
import io

import numpy as np
from bench_report_maker import CXR14, MIMIC, Classified
from medfilip_bench.compare import Comparison, Refusal, Test
from medfilip_bench.results import Estimate, Row, Skipped
from medfilip_bench.series import (
    Curve,
    CurvePoint,
    Gallery,
    GalleryImage,
    GalleryRow,
    Series,
)
from PIL import Image

SHARES = (0.01, 0.1, 1.0)


class Maker(Classified):
    """Makes records of one model, of every family."""

    def shares(self, family, dataset, title, names, owners, seeds=1, **fields):
        rows = [
            Row(
                id=f"{owner}@{share}",
                name=f"{owner}, {share:.0%}",
                kind="share" if owner == self.model else "reference",
                n=1000,
                metrics=self.metrics(names, 0.6 + 0.1 * place),
                of=owner,
                share=share,
                seeds=seeds,
                spread=dict.fromkeys(names, 0.011) if seeds > 1 else {},
            )
            for owner in owners
            for place, share in enumerate(SHARES)
        ]
        curves = {
            names[0]: tuple(
                Curve(
                    name=owner,
                    points=tuple(
                        CurvePoint(x=row.share, y=e.value, low=e.low, high=e.high)
                        for row in rows
                        if row.of == owner
                        for e in [row.metrics[names[0]]]
                    ),
                )
                for owner in owners
            )
        }
        floor = ("all-empty",) if family == "segmentation" else ("prevalence", "random model")
        rows += [
            Row(id=name, name=name, kind="baseline", n=1000, metrics=self.metrics(names, 0.3))
            for name in floor
        ]
        headline = {
            f"{name}@{row.share}": row.metrics[name]
            for row in rows
            if row.of == self.model
            for name in names
        }
        galleries = (self.gallery("Segmentation", None),) if family == "segmentation" else ()
        return self.record(
            f"{family}-{dataset}",
            title,
            tuple(rows),
            headline,
            series=Series(curves=curves, galleries=galleries),
            **fields,
        )

    def picture(self):
        pixels = self.draw.integers(0, 255, (64, 64), dtype=np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).resize((96, 96)).save(stream, format="JPEG", quality=60)
        return base64.b64encode(stream.getvalue()).decode("ascii")

    def gallery(self, title, rank=3):
        rows = tuple(
            GalleryRow(
                query=f"{side} pleural effusion. A collection of fluid in the pleural space.",
                rank=rank,
                images=tuple(
                    GalleryImage(
                        png=self.picture(),
                        caption="large left pleural effusion; mild cardiomegaly",
                        right=None if rank is None else k % 3 == 0,
                    )
                    for k in range(6)
                ),
            )
            for side in ("left", "right")
        )
        return Gallery(title=title, caption="How to read the pictures.", rows=rows)

    def retrieval(self, **fields):
        ks = (*(f"{m}@{k}" for m in ("p", "hit", "recall") for k in (1, 3, 10)), "mrr")
        words = {"i2t": "image→text", "t2i": "text→image"}
        rows = [
            Row(id=i, name=name, kind="direction", n=1000, metrics=self.metrics(ks, 0.5))
            for i, name in words.items()
        ]
        rows += [
            Row(
                id=f"{i}:random model",
                name=f"random model, {name}",
                kind="baseline",
                n=1000,
                metrics=self.metrics(ks, 0.1),
            )
            for i, name in words.items()
        ]
        return self.record(
            "retrieval-mimic_multi",
            "Retrieval, MIMIC-multi",
            tuple(rows),
            series=Series(galleries=(self.gallery("Retrieval"),)),
            **fields,
        )

    def grounding(self, dataset="rsna", **fields):
        names = ("pointing", "box_iou")
        rows = [
            Row(id=c, name=c, kind="class", positives=40, n=100, metrics=self.metrics(names, 0.5))
            for c in ("Mass", "Effusion", "Pneumonia")
        ]
        rows += [
            Row(id=b, name=b, kind="baseline", n=100, metrics=self.metrics(names, 0.2))
            for b in ("image centre", "chance", "mean box of the class")
        ]
        return self.record(
            f"grounding-{dataset}",
            "Grounding, RSNA Pneumonia",
            tuple(rows),
            self.metrics(names, 0.5),
            series=Series(galleries=(self.gallery("Heatmaps", None),)),
            **fields,
        )

    def ablation(self, seeds=1, **fields):
        steps = ("report text", "entity", "+FG", "+SSM", "+IKI")
        sets = ("mimic_16", "rsna", "mimic_multi", "chestxray14", "vinbigdata", "mimic_fg")
        binary = (*(f"{m}@{p}" for p in ("paper", "held-out") for m in ("acc", "f1")), "auc")
        rows = tuple(
            Row(
                id=f"{step}:{dataset}",
                name=step,
                kind="step",
                n=1000,
                metrics=self.metrics(
                    ("acc", "macro_f1") if dataset in ("mimic_16", "mimic_fg") else binary,
                    0.5 + 0.07 * place,
                ),
                of=dataset,
                seeds=seeds,
            )
            for place, step in enumerate(steps)
            for dataset in sets
        )
        return self.record(
            "ablation-mimic_multi", "Ablation of the five rows", rows, {"f1": self.estimate()},
            **fields,
        )  # fmt: skip

    def case_study(self, **fields):
        kinds = {
            "template": "template and category",
            "severity": "severity and category",
            "explanation": "explanation",
        }
        names = ("similarity", "others", "auc")
        rows = [
            Row(id=k, name=w, kind="variant", n=1000, metrics=self.metrics(names, 0.3),
                of="all classes")
            for k, w in kinds.items()
        ] + [
            Row(id=f"{c}:{k}", name=w, kind="variant", positives=66, n=1000,
                metrics=self.metrics(names, 0.3), of=c, text=f"{w} of {c}")
            for c in ("mild pneumonia", "severe pleural effusion", "moderate edema")
            for k, w in kinds.items()
        ]  # fmt: skip
        metrics = {f"auc:{k}": self.estimate() for k in kinds}
        title = "Case study: three kinds of text, MIMIC-FG"
        return self.record("case_study-mimic_fg", title, tuple(rows), metrics, **fields)

    def prompts(self, **fields):
        names = ("auc", "ap", "f1@paper", "f1@held-out", "acc@paper", "acc@held-out")
        asked = (
            "the name alone",
            "“This is an X-ray image of …”",
            "mean over the dictionary's synonyms",
            "name and explanation (the paper's)",
        )
        rows = tuple(
            Row(id=f"style{k}", name=w, kind="variant", n=1000, metrics=self.metrics(names), text=w)
            for k, w in enumerate(asked)
        )
        metrics = self.metrics(("auc_best", "auc_worst", "auc_range"))
        title = "Prompt sensitivity, ChestX-ray14"
        return self.record("prompts-chestxray14", title, rows, metrics, **fields)

    def subgroups(self, **fields):
        parts = {"sex": ("F", "M"), "age": ("under 40", "40–59", "60–79"), "view": ("AP", "PA")}
        rows = tuple(
            Row(
                id=f"{of}:{name}",
                name=name,
                kind="subgroup",
                positives=100,
                n=400,
                metrics={
                    "auc": self.estimate(),
                    "auc_against_rest": Estimate(value=-0.02, low=-0.05, high=0.01),
                },
                of=of,
            )
            for of, names in parts.items()
            for name in names
        )
        title = "Subgroups, ChestX-ray14"
        return self.record("subgroups-chestxray14", title, rows, self.metrics(("auc",)), **fields)

    def report_consistency(self, **fields):
        kinds = {
            "added": "finding added",
            "omitted": "finding omitted",
            "side": "side swapped",
            "severity": "severity changed",
            "negation": "finding denied",
        }
        own = ("auc", "auc_own")
        rows = [
            Row(id="true", name="no mistake", kind="variant", n=1000, of=self.model,
                metrics=self.metrics(("flagged", "statements_supported"), 0.2))
        ]  # fmt: skip
        for kind, words in kinds.items():
            asked = {
                self.model: (*own, "noticed", "believed", "flagged"),
                "the text alone": own,
                "random model": own,
            }
            rows += [
                Row(
                    id=kind if owner == self.model else f"{kind}:{owner}",
                    name=words,
                    kind="variant" if owner == self.model else "baseline",
                    positives=500,
                    n=1000,
                    metrics=self.metrics(names, 0.8 if owner == self.model else 0.5),
                    of=owner,
                )
                for owner, names in asked.items()
            ]
        judged = [row for row in rows if row.id in kinds]
        metrics = {f"{name}:{row.id}": row.metrics[name] for row in judged for name in own}
        return self.record(
            "report_consistency-mimic_multi",
            "Reports against images",
            tuple(rows),
            metrics,
            **fields,
        )

    def everything(self):
        """One record of each family at least, phantoms and real images."""
        probe = ("auc", *(f"{m}@{p}" for p in ("paper", "held-out") for m in ("acc", "f1")))
        owners = (self.model, "ResNet50 random", "ConvNeXt random", "ResNet50 ImageNet")
        dice = ("dice", "dice_positive", "dice_negative")
        skipped = (Skipped(file="images/0007.png", reason="truncated file"),)
        real = self.multi("nih_cxr14_320", "nih_cxr14_320", CXR14, phantom=False)
        real = real.model_copy(
            update={
                "warnings": ("12 patients are in both train and test",),
                "data": real.data.model_copy(update={"skipped": skipped}),
            }
        )
        return [
            self.extraction(),
            self.report_consistency(),
            self.single("mimic_16", "MIMIC-16", (*MIMIC, "normal")),
            self.multi("rsna", "RSNA Pneumonia", ("Lung Opacity",)),
            self.multi("mimic_multi", "MIMIC-multi", MIMIC),
            self.multi("chestxray14", "ChestX-ray14", CXR14),
            self.multi("vinbigdata", "VinBigData", CXR14[:8]),
            self.single("mimic_fg", "MIMIC-FG", MIMIC[:15]),
            self.multi("siim", "SIIM-ACR", ("Pneumothorax",)),
            self.multi("chexpert", "CheXpert", CXR14[:5]),
            self.multi("six_entities", "six entities", CXR14[:6]),
            self.single("covid_radiography", "COVID-19 Radiography", ("COVID", "Normal", "Viral")),
            self.unseen("covid_radiography", "COVID-19 Radiography"),
            *(
                self.shares("probe", d, f"Linear probe, {t}", probe, owners)
                for d, t in (("rsna", "RSNA"), ("vinbigdata", "VinBigData"))
            ),
            self.shares("fine_tune", "rsna", "Fine-tuning, RSNA", probe, owners[:2]),
            self.shares(
                "segmentation", "siim", "Segmentation, SIIM-ACR", dice,
                (self.model, "random initialisation"),
            ),
            self.retrieval(),
            self.grounding(),
            self.ablation(),
            self.case_study(),
            self.prompts(),
            self.subgroups(),
            real,
            self.shares("probe", "kermany", "Linear probe, Kermany", probe, owners, phantom=False),
            self.shares(
                "segmentation", "kermany", "Segmentation, Kermany lungs", dice,
                (self.model, "random initialisation"), phantom=False, seeds=3,
            ),
        ]  # fmt: skip


def make_comparison():
    """Two models on three tasks; one difference stands, one cannot be measured."""
    fields = {"n": 1000, "patients": 900, "method": "DeLong", "phantom": True}
    tests = [
        Test(
            task=f"zero_shot-{dataset}-phantom", row=row, name=name, metric=metric,
            first=0.81, second=0.76, difference=shift, low=shift - 0.03, high=shift + 0.03,
            p=p, p_holm=min(1.0, 4 * p), **fields,
        )
        for dataset, shift, p in (("rsna", 0.05, 0.0001), ("chestxray14", -0.012, 0.3))
        for row, name, metric in (("all", "all", "auc"), ("all", "all", "f1@held-out"),
                                  ("mass", "Mass", "auc"))
    ]  # fmt: skip
    tests.append(
        Test(
            task="zero_shot-nih", row="hernia", name="Hernia", metric="auc", first=None,
            second=None, reason="no positives", **(fields | {"phantom": False}),
        )
    )  # fmt: skip
    return Comparison(
        first="run-phantom",
        second="convirt",
        tests=tuple(tests),
        refused=(Refusal(task="probe-rsna", reason="other images: 10 and 12"),),
        only_first=("grounding-rsna",),
        replicates=1000,
        seed=0,
    )
