"""Which findings an image gets."""

import numpy as np

from medfilip_model.phantom.coexist import compatible
from medfilip_model.phantom.config import UNSEEN_CATEGORIES, PhantomConfig
from medfilip_model.phantom.planned import Planned, draw_finding, draw_incidental

_COUNT_WEIGHTS = (0.45, 0.31, 0.16, 0.08)
_COMPANIONS = {
    "pulmonary_edema": ("cardiomegaly", "pleural_effusion"),
    "vascular_congestion": ("cardiomegaly", "pleural_effusion"),
    "cardiomegaly": ("pulmonary_edema", "vascular_congestion", "pleural_effusion"),
    "pleural_effusion": ("atelectasis", "pulmonary_edema", "vascular_congestion"),
    "pneumonia": ("pleural_effusion",),
    "mass": ("pleural_effusion",),
    "rib_fracture": ("pneumothorax", "pleural_effusion"),
    "pneumothorax": ("rib_fracture",),
}
"""Findings seen together twice as often as by chance (heart failure, parapneumonic and malignant
effusion, injury)."""

_PLACES = 3
"""Places tried for a class beside the others, so that classes with many rules are not rare."""


def plan_findings(rng: np.random.Generator, config: PhantomConfig) -> tuple[Planned, ...]:
    """Classes first, in the order drawn, then incidental findings."""
    planned: list[Planned] = []
    forced = rng.random() < config.unseen_share
    normal = rng.random() < config.normal_share
    count = 1 + int(rng.choice(len(_COUNT_WEIGHTS), p=_COUNT_WEIGHTS))
    if forced:
        unseen = str(rng.choice(UNSEEN_CATEGORIES))
        planned.append(draw_finding(rng, unseen, config, 0))
        count = min(count, 2)
    elif normal:
        count = 0
    names = list(config.classes)
    tries = 0
    while len(planned) < min(count, config.max_findings) and tries < 24:
        tries += 1
        weight = np.array([config.weights.get(name, 1.0) for name in names])
        for old in planned:
            friends = _COMPANIONS.get(old.finding.category, ())
            weight *= [2.0 if name in friends else 1.0 for name in names]
        category = names[int(rng.choice(len(names), p=weight / weight.sum()))]
        for _ in range(_PLACES):
            new = draw_finding(rng, category, config, len(planned))
            if all(compatible(old, new) for old in planned):
                planned.append(new)
                break
    if rng.random() < config.incidental_share:
        for new in draw_incidental(rng, len(planned)):
            if all(compatible(old, new) for old in planned):
                planned.append(new)
    return tuple(planned)
