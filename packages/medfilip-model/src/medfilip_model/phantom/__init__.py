"""Phantom chest radiographs: procedural frontal films with findings, masks and reports.

Nothing in them comes from a real patient: anatomy, film and wording are drawn from random numbers.
"""

from medfilip_model.phantom.cache import default_cache_dir, phantom_images
from medfilip_model.phantom.config import (
    INCIDENTAL_CATEGORIES,
    SEEN_CATEGORIES,
    UNSEEN_CATEGORIES,
    PhantomConfig,
)
from medfilip_model.phantom.generate import (
    GENERATOR_VERSION,
    Phantom,
    PhantomPlan,
    generate,
    generate_many,
    plan_phantom,
)
from medfilip_model.phantom.patient import Exposure, Patient
from medfilip_model.phantom.report import PhantomReport
from medfilip_model.phantom.sheet import contact_sheet, one_of_each
from medfilip_model.phantom.write import PhantomFolder, split_of, write_phantoms

__all__ = [
    "GENERATOR_VERSION",
    "INCIDENTAL_CATEGORIES",
    "SEEN_CATEGORIES",
    "UNSEEN_CATEGORIES",
    "Exposure",
    "Patient",
    "Phantom",
    "PhantomConfig",
    "PhantomFolder",
    "PhantomPlan",
    "PhantomReport",
    "contact_sheet",
    "default_cache_dir",
    "generate",
    "generate_many",
    "one_of_each",
    "phantom_images",
    "plan_phantom",
    "split_of",
    "write_phantoms",
]
