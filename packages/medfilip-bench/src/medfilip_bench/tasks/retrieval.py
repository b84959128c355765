"""Retrieval among image-text pairs, both ways, on phantoms."""

import base64
import io

import numpy as np
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Bool, Float, UInt8
from medfilip_model.data import ImageSet
from medfilip_model.data.samples import Sample
from PIL import Image

from medfilip_bench.features import Encoder, similarities
from medfilip_bench.metrics.retrieval import retrieval
from medfilip_bench.results import Estimate, GalleryImage, GalleryRow, Row, RowKind, Series
from medfilip_bench.scoring import Resampling
from medfilip_bench.sets import describe, hash_images, subset
from medfilip_bench.stats import interval, patient_groups, replicate, weighted_mean
from medfilip_bench.tasks.task import Bench, Outcome, Task

DIRECTIONS = {"i2t": "image→text", "t2i": "text→image"}
_GALLERY_ROWS, _GALLERY_COLUMNS = 4, 5


def run(bench: Bench) -> Outcome:
    """Rank texts for images and images for texts."""
    everything = bench.phantoms.multi("test")
    kb, template = bench.kb, bench.encoder.loaded.template
    abnormal = [row for row, sample in enumerate(everything.samples) if sample.present]
    images = subset(everything, abnormal)
    texts = [kb.text(sample.present[0], template) for sample in images.samples]
    relevant = relevance(images.samples, texts, kb, template)
    scores = _scores(bench.encoder, everything, abnormal, texts)
    random = _scores(bench.random, everything, abnormal, texts)
    groups = [sample.patient_id for sample in images.samples]
    rows: list[Row] = []
    by_kind: dict[RowKind, Float[np.ndarray, "N M"]] = {"direction": scores, "baseline": random}
    for kind, found in by_kind.items():
        rows.append(_row("i2t", kind, found, relevant, groups, bench.resampling))
        # Equal texts rank the gallery equally: one query asked often is one draw, not many.
        rows.append(_row("t2i", kind, found.T, relevant.T, texts, bench.resampling))
    return Outcome(
        data=describe(images, None, phantom=True, split="held-out phantoms with a finding"),
        metrics={},
        rows=tuple(rows),
        series=Series(gallery=gallery(images, texts, scores, relevant)),
        notes=(
            f"{len(texts):,} pairs; the text of a pair is that of the image's first finding "
            f"({len(set(texts))} distinct texts). A text is relevant to every image that shows a "
            "finding with this very text, severity, side and region included.",
            "Intervals resample patients for image→text and distinct texts for text→image.",
            "P@K is divided by K; hit@K asks for one right answer among K; recall@K is divided by "
            "all right answers. The paper's P@K grows with K as hit@K does. Equal scores rank "
            "right answers last.",
        ),
    )


def relevance(
    samples: tuple[Sample, ...], texts: list[str], kb: KnowledgeBase, template: Template
) -> Bool[np.ndarray, "N M"]:
    """Return whether a text describes a finding of an image, [N, M]."""
    number = {text: place for place, text in enumerate(dict.fromkeys(texts))}
    shows = np.zeros((len(samples), len(number)), dtype=bool)
    for row, sample in enumerate(samples):
        for finding in sample.present:
            text = kb.text(finding, template)
            if text in number:
                shows[row, number[text]] = True
    return shows[:, [number[text] for text in texts]]


def _scores(
    encoder: Encoder, everything: ImageSet, rows: list[int], texts: list[str]
) -> Float[np.ndarray, "N M"]:
    """Return the cosine of each image with each text; the whole set's features are reused."""
    embedded = encoder.images(everything, hash_images(everything))[rows]
    unique = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(unique)}
    found = similarities(embedded, encoder.texts(unique), encoder.loaded.spec)
    return found[:, [place[text] for text in texts]]


def _row(
    key: str,
    kind: RowKind,
    scores: Float[np.ndarray, "Q G"],
    relevant: Bool[np.ndarray, "Q G"],
    clusters: list[str],
    resampling: Resampling,
) -> Row:
    """Score one direction; intervals resample the queries' clusters, the gallery stays."""
    result = retrieval(scores, relevant)
    values = np.stack(list(result.values.values()), axis=1)
    groups = patient_groups([clusters[query] for query in result.kept])
    drawn = replicate(
        lambda weights: {"mean": weighted_mean(values, weights)},
        groups,
        n_replicates=resampling.replicates,
        seed=resampling.seed,
    )["mean"]
    metrics = {
        name: Estimate.of(result.mean(name), interval(drawn[:, column]))
        for column, name in enumerate(result.values)
    }
    trivial, words = kind == "baseline", DIRECTIONS[key]
    return Row(
        id=f"{key}:random model" if trivial else key,
        name=f"random model, {words}" if trivial else words,
        kind=kind,
        n=len(result.kept),
        metrics=metrics,
    )


def gallery(
    images: ImageSet,
    texts: list[str],
    scores: Float[np.ndarray, "N M"],
    relevant: Bool[np.ndarray, "N M"],
) -> tuple[GalleryRow, ...]:
    """Return the first images for the first text of some categories."""
    queries: dict[str, int] = {}
    for number, sample in enumerate(images.samples):
        queries.setdefault(sample.present[0].category, number)
    rows: list[GalleryRow] = []
    for query in list(queries.values())[:_GALLERY_ROWS]:
        order = np.argsort(-scores[:, query], kind="stable")
        rows.append(
            GalleryRow(
                query=texts[query],
                rank=int(np.flatnonzero(relevant[order, query])[0]) + 1,
                images=tuple(
                    GalleryImage(
                        png=png(images.pixels[row]),
                        caption=_caption(images.samples[row]),
                        right=bool(relevant[row, query]),
                    )
                    for row in order[:_GALLERY_COLUMNS]
                ),
            )
        )
    return tuple(rows)


def png(pixels: UInt8[np.ndarray, "H W"]) -> str:
    """Return an image as a PNG in base64."""
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(stream, format="PNG", optimize=True)
    return base64.b64encode(stream.getvalue()).decode("ascii")


def _caption(sample: Sample) -> str:
    """Name the findings of an image."""
    return "; ".join(
        " ".join(
            word.replace("_", " ") for word in (f.severity, f.side, f.region, f.category) if word
        )
        for f in sample.present
    )


TASK = Task(
    name="retrieval",
    title="Retrieval",
    about="Which texts describe this image, and which images show what this text describes?",
    phantom=True,
    run=run,
)
