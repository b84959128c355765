"""Retrieval among image-text pairs, both ways."""

import base64
import io

import numpy as np
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Bool, Float, UInt8
from medfilip_model.data.samples import Sample
from PIL import Image

from medfilip_bench.datasets.card import Card
from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.errors import DataError
from medfilip_bench.features import Encoder
from medfilip_bench.metrics.retrieval import retrieval
from medfilip_bench.results import Estimate, Row, RowKind
from medfilip_bench.scoring import Resampling
from medfilip_bench.series import Gallery, GalleryImage, GalleryRow, Series
from medfilip_bench.stats import interval, patient_groups, replicate, weighted_mean
from medfilip_bench.tasks.judged import Judged, describe, judged
from medfilip_bench.tasks.task import Bench, Outcome, Task

DIRECTIONS = {"i2t": "image→text", "t2i": "text→image"}
_GALLERY_ROWS, _GALLERY_COLUMNS = 4, 5
# As many pairs as the paper ranks.
PAIRS = 1000


def run(bench: Bench, data: LabelledSet) -> Outcome:
    """Rank texts for images and images for texts."""
    parts = judged(data)
    kb, template = bench.kb, bench.encoder.loaded.template or "paper"
    among = data.rows(parts.test)
    places = [p for p, row in enumerate(among) if data.images.samples[row].present][:PAIRS]
    if not places:
        raise DataError(f"{data.card.id}: no judged image has a finding with a text")
    samples = tuple(data.images.samples[among[place]] for place in places)
    texts = [kb.text(sample.present[0], template) for sample in samples]
    relevant = relevance(samples, texts, kb, template)
    scores = _scores(bench.encoder, data, parts, places, texts)
    random = _scores(bench.random, data, parts, places, texts)
    groups = [sample.patient_id for sample in samples]
    rows: list[Row] = []
    by_kind: dict[RowKind, Float[np.ndarray, "N M"]] = {"direction": scores, "baseline": random}
    for kind, found in by_kind.items():
        rows.append(_row("i2t", kind, found, relevant, groups, bench.resampling))
        # Equal texts rank the gallery equally: one query asked often is one draw, not many.
        rows.append(_row("t2i", kind, found.T, relevant.T, texts, bench.resampling))
    numbers = [among[place] for place in places]
    shown = data.phantom or bench.pictures
    return Outcome(
        data=describe(data, parts, rows=numbers),
        metrics={},
        rows=tuple(rows),
        series=Series(
            galleries=(gallery(data, numbers, texts, scores, relevant),) if shown else ()
        ),
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
    encoder: Encoder, data: LabelledSet, parts: Judged, places: list[int], texts: list[str]
) -> Float[np.ndarray, "N M"]:
    """Return the score of each image with each text; the whole split's features are reused."""
    unique = list(dict.fromkeys(texts))
    column = {text: number for number, text in enumerate(unique)}
    nameless = [None] * len(unique)
    found = encoder.scores(data, parts.test, nameless, [(text,) for text in unique])[places]
    return found[:, [column[text] for text in texts]]


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
    data: LabelledSet,
    rows: list[int],
    texts: list[str],
    scores: Float[np.ndarray, "N M"],
    relevant: Bool[np.ndarray, "N M"],
) -> Gallery:
    """Return the first images for the first text of some categories.

    Args:
        data: The set.
        rows: Rows of the images that were ranked.
        texts: One a row.
        scores: Of each image and text.
        relevant: Whether the text describes the image.
    """
    queries: dict[str, int] = {}
    for number, row in enumerate(rows):
        queries.setdefault(data.images.samples[row].present[0].category, number)
    lines: list[GalleryRow] = []
    for query in list(queries.values())[:_GALLERY_ROWS]:
        order = np.argsort(-scores[:, query], kind="stable")
        lines.append(
            GalleryRow(
                query=texts[query],
                rank=int(np.flatnonzero(relevant[order, query])[0]) + 1,
                images=tuple(
                    GalleryImage(
                        png=png(data.images.pixels[rows[place]]),
                        caption=_caption(data.images.samples[rows[place]]),
                        right=bool(relevant[place, query]),
                    )
                    for place in order[:_GALLERY_COLUMNS]
                ),
            )
        )
    return Gallery(
        title="Retrieval",
        caption="The first images for some texts, by falling score; a green frame is a right one.",
        rows=tuple(lines),
    )


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


def task(card: Card) -> Task:
    """Make the task of one data set whose findings have texts."""
    return Task(
        family="retrieval",
        dataset=card.id,
        title=f"Retrieval, {card.name}",
        about="Which texts describe this image, and which images show what this text describes?",
        needs="texts",
        run=run,
        splits=("test",),
        version=2,
    )
