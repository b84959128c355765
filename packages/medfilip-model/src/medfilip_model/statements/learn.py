"""Learn from held-out images how findings show in a model's readings."""

from collections.abc import Sequence

import numpy as np
from iki_knowledge import KnowledgeBase, Template
from jaxtyping import Float
from torch import Tensor

from medfilip_model.data.samples import ImageSet
from medfilip_model.model import MedFILIP
from medfilip_model.statements.asking import ask_statements, joined
from medfilip_model.statements.fit import StatementFit, fit_statements, taught
from medfilip_model.statements.questions import questions

# Images that are enough: the halves of each are embedded too, in every epoch.
_ENOUGH = 2000
# Images in memory at a time.
_PART = 512


def learn_statements(
    model: MedFILIP,
    images: ImageSet,
    rows: Sequence[int],
    embedded: Float[Tensor, "N D"],
    kb: KnowledgeBase,
    *,
    template: Template,
    normal: str,
) -> StatementFit | None:
    """Fit what judges statements about images like these.

    Args:
        model: The model.
        images: Images with known findings.
        rows: The held-out ones; of more than 2,000 as many are taken, evenly.
        embedded: Their embeddings.
        kb: Dictionary.
        template: Template of the categories' texts.
        normal: Text of an image without findings.

    Returns:
        The fit; None where the images are too few.
    """
    count = min(len(rows), _ENOUGH)
    places = np.linspace(0, len(rows) - 1, count).round().astype(np.int64)
    samples = [images.samples[rows[place]] for place in places]
    categories = taught(samples)
    if not categories:
        return None
    asked = questions(kb, categories, template=template, normal=normal)
    scores = [
        ask_statements(model, images.pixels[np.asarray(rows)[part]], embedded[part], asked)
        for part in np.array_split(places, -(-count // _PART))
    ]
    return fit_statements(samples, joined(scores), asked, kb, template=template, normal=normal)
