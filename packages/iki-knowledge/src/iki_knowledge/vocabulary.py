"""Merged sections → the closed vocabularies: severities, places, trends and so on. Pure."""

from collections.abc import Mapping
from typing import TypeVar, cast, get_args

from iki_knowledge.check import SurfaceTable, acyclic, build, known, texts
from iki_knowledge.finding import Side, Trend
from iki_knowledge.merge import Item, Merged
from iki_knowledge.schema import Chronicity, Hedge, Place, Region, Severity, Vocabulary

T = TypeVar("T", bound=str)


def assemble_vocabulary(merged: Merged) -> Vocabulary:
    """Build the vocabularies.

    Args:
        merged: Section → name → item.

    Returns:
        The vocabularies, every surface form normalised.

    Raises:
        KnowledgeFileError: When something does not fit.
    """
    severities = {
        name: build(Severity, {"id": name, **item.values}, item, f"severities.{name}")
        for name, item in merged["severities"].items()
    }
    regions = {
        name: build(Region, {"id": name, **item.values}, item, f"regions.{name}")
        for name, item in merged["regions"].items()
    }
    acyclic({r.id: r.parent for r in regions.values()}, merged["regions"], "region")
    return Vocabulary(
        severities=severities,
        regions=regions,
        severity_surfaces=_severity_surfaces(severities, merged["severities"]),
        places=_places(merged, regions),
        trends=_words(merged["trends"], "trend", cast("tuple[Trend, ...]", get_args(Trend))),
        hedges=_words(merged["hedges"], "hedge", cast("tuple[Hedge, ...]", get_args(Hedge))),
        chronicities=_words(
            merged["chronicities"],
            "chronicity",
            cast("tuple[Chronicity, ...]", get_args(Chronicity)),
        ),
    )


def _severity_surfaces(
    severities: Mapping[str, Severity], items: Mapping[str, Item]
) -> dict[str, str]:
    table = SurfaceTable[str]("severity")
    for severity in severities.values():
        for surface in (severity.id, *severity.aliases):
            spot = items[severity.id].origin("aliases", surface)
            table.add(surface, severity.id, owner=severity.id, spot=spot)
    return table.values


def _words(items: Mapping[str, Item], what: str, allowed: tuple[T, ...]) -> dict[str, T]:
    """Sections of the form ``value: [surface forms]``, whose values are closed."""
    table = SurfaceTable[T](what)
    for name, item in items.items():
        known(what, name, allowed, item.origin(), item.section)
        value = next(value for value in allowed if value == name)
        for surface in texts(item, "words", f"{item.section}.{name}"):
            table.add(surface, value, owner=name, spot=item.origin("words", surface))
    return table.values


def _places(merged: Merged, regions: Mapping[str, Region]) -> dict[str, Place]:
    """Regions (id, name, adjective, aliases), sides, and words that mean both at once."""
    table = SurfaceTable[Place]("place")
    for region in regions.values():
        item = merged["regions"][region.id]
        place = Place(side=region.side, region=region.id)
        named = (region.id, region.name, region.adjective) if region.named else ()
        for surface in (*named, *region.aliases):
            table.add(surface, place, owner=region.id, spot=item.origin("aliases", surface))
    for name, item in merged["sides"].items():
        known("side", name, get_args(Side), item.origin(), "sides")
        for surface in texts(item, "words", f"sides.{name}"):
            place = Place(side=cast("Side", name))
            table.add(surface, place, owner=name, spot=item.origin("words", surface))
    for name, item in merged["places"].items():
        written = {key: value for key, value in item.values.items() if key != "words"}
        place = build(Place, written, item, f"places.{name}")
        if place.region is not None:
            known("region", place.region, regions, item.origin("region"), f"places.{name}")
        more = texts(item, "words", f"places.{name}") if "words" in item.values else []
        for surface in (name, *more):
            table.add(surface, place, owner=name, spot=item.origin("words", surface))
    return table.values
