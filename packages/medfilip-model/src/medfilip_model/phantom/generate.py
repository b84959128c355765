"""A phantom: image, findings, masks and report, a pure function of config and index."""

import functools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from iki_knowledge import Finding
from jaxtyping import Bool, Float32
from threadpoolctl import ThreadpoolController

from medfilip_model.errors import ConfigError
from medfilip_model.phantom.config import PhantomConfig
from medfilip_model.phantom.effects import deform
from medfilip_model.phantom.parallel import in_order
from medfilip_model.phantom.patient import Exposure, Patient
from medfilip_model.phantom.planned import Planned
from medfilip_model.phantom.planning import plan_findings
from medfilip_model.phantom.render import PLAN, REPORT, Source, draw_subject, render
from medfilip_model.phantom.report import PhantomReport, write_report

GENERATOR_VERSION = "8"
"""Raised with every change that alters a pixel, a finding or a word; part of cache keys."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """One synthetic frontal radiograph with everything known about it.

    Attributes:
        id: ``phantom-000042``; also the report id.
        image: Grey values [H, W] float32 in [0, 1]; the patient's right is on the left.
        findings: What is drawn, classes first, then incidental ones; presence always "present".
        masks: Position in ``findings`` → where the finding shows [H, W]; never empty.
        report: What a radiologist would write.
        patient: The anatomy, the findings' effects on it included.
        exposure: How the film was taken.
    """

    id: str
    image: Float32[np.ndarray, "H W"]
    findings: tuple[Finding, ...]
    masks: Mapping[int, Bool[np.ndarray, "H W"]]
    report: PhantomReport
    patient: Patient
    exposure: Exposure


@dataclass(frozen=True)
class PhantomPlan:
    """A phantom before drawing: all but the pixels, at a hundredth of the cost.

    Attributes:
        id: As `Phantom.id`.
        planned: The findings with their strengths.
        patient: The anatomy without the findings' effects.
        exposure: How the film is taken.
        report: As `Phantom.report`.
    """

    id: str
    planned: tuple[Planned, ...]
    patient: Patient
    exposure: Exposure
    report: PhantomReport

    @property
    def findings(self) -> tuple[Finding, ...]:
        """As `Phantom.findings`."""
        return tuple(item.finding for item in self.planned)


def phantom_id(index: int) -> str:
    """Id of image and report."""
    return f"phantom-{index:06d}"


def streams(seed: int, index: int) -> Source:
    """Random streams of one phantom, independent of every other phantom's."""

    def source(number: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([seed, index], spawn_key=(number,)))

    return source


@functools.cache
def _blas() -> ThreadpoolController:
    return ThreadpoolController()


def plan_phantom(config: PhantomConfig, index: int) -> PhantomPlan:
    """Findings, anatomy and report of a phantom without its image.

    Args:
        config: The recipe.
        index: 0 or more.

    Raises:
        ConfigError: The index is negative.
    """
    if index < 0:
        raise ConfigError(f"phantom index {index!r} is negative; count from 0")
    source = streams(config.seed, index)
    patient, exposure = draw_subject(source)
    planned = plan_findings(source(PLAN), config)
    report = write_report(source(REPORT), planned, deform(patient, planned), config)
    return PhantomPlan(phantom_id(index), planned, patient, exposure, report)


def generate(config: PhantomConfig, index: int) -> Phantom:
    """Draw a phantom: the same config and index give the same bytes on the same machine.

    Args:
        config: The recipe.
        index: 0 or more; independent of which others are drawn, and in what order.

    Raises:
        ConfigError: The index is negative.
    """
    made = plan_phantom(config, index)
    # Threads make products of small matrices slower, and their sums depend on the count.
    with _blas().limit(limits=1, user_api="blas"):
        drawn = render(
            made.patient, made.exposure, made.planned, config.size, streams(config.seed, index)
        )
    return Phantom(
        id=made.id,
        image=drawn.image,
        findings=made.findings,
        masks=dict(enumerate(drawn.masks)),
        report=made.report,
        patient=deform(made.patient, made.planned),
        exposure=made.exposure,
    )


def _generate_chunk(config: PhantomConfig, indices: list[int]) -> list[Phantom]:
    return [generate(config, index) for index in indices]


def generate_many(
    config: PhantomConfig, indices: Iterable[int], *, workers: int = 1
) -> Iterator[Phantom]:
    """Phantoms in the order of their indices, drawn in several processes if asked.

    Args:
        config: The recipe.
        indices: Which ones; consumed lazily.
        workers: Processes, see `in_order`.

    Yields:
        Phantoms equal to what `generate` gives one by one.

    Raises:
        ConfigError: ``workers`` is below 1 or an index is negative.
    """
    for chunk in in_order(functools.partial(_generate_chunk, config), indices, workers=workers):
        yield from chunk
