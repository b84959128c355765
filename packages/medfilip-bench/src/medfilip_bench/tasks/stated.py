"""A model's readings of a set's images, as statements about them are judged by."""

from collections.abc import Sequence

import numpy as np
from iki_knowledge import KnowledgeBase
from jaxtyping import Float
from medfilip_model.config import DataConfig
from medfilip_model.data.samples import Split
from medfilip_model.statements.evidence import Reading
from medfilip_model.statements.fit import Scores, StatementFit, fit_statements, taught
from medfilip_model.statements.questions import Questions, questions

from medfilip_bench.datasets.labelled import LabelledSet
from medfilip_bench.datasets.mirror import doubled_halves
from medfilip_bench.errors import NotApplicableError
from medfilip_bench.features import Encoder


def fitted(
    encoder: Encoder, data: LabelledSet, fit_on: Split, judge_on: Split, kb: KnowledgeBase
) -> tuple[StatementFit, Sequence[Reading]]:
    """Fit how findings show in a model's scores, and read the images that are judged.

    Args:
        encoder: The model, of any kind that scores images against texts.
        data: Images with known findings.
        fit_on: The split that the fit sees.
        judge_on: The split that is read.
        kb: Dictionary.

    Raises:
        NotApplicableError: If the images to fit to are too few.
    """
    model = encoder.loaded
    template, normal = model.template or "paper", model.normal or DataConfig().normal
    samples = [data.images.samples[row] for row in data.rows(fit_on)]
    asked = questions(kb, taught(samples), template=template, normal=normal)
    fit = fit_statements(
        samples, _scores(encoder, data, fit_on, asked), asked, kb, template=template, normal=normal
    )
    if fit is None:
        raise NotApplicableError(
            f"{len(samples)} images of the split {fit_on!r} are too few to learn from how findings "
            "show; give --n more phantoms"
        )
    return fit, _scores(encoder, data, judge_on, asked).readings(asked)


def _scores(encoder: Encoder, data: LabelledSet, split: Split, asked: Questions) -> Scores:
    def ask(images: LabelledSet, prompts: Sequence[tuple[str, ...]]) -> Float[np.ndarray, "N K"]:
        return encoder.scores(images, split, [None] * len(prompts), prompts)

    first = asked.prompts[: asked.plain]
    return Scores(
        whole=ask(data, asked.prompts),
        halves={half: ask(images, first) for half, images in doubled_halves(data).items()},
    )
