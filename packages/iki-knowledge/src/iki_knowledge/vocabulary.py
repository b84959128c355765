"""Merged sections → the closed vocabularies: severities, regions, places, trends. Pure."""

from collections.abc import Mapping
from typing import cast, get_args

from iki_knowledge.check import SurfaceTable, acyclic, build, known, texts
from iki_knowledge.finding import Side, Trend
from iki_knowledge.merge import Item, Merged
from iki_knowledge.schema import Place, Region, Severity, Vocabulary


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
        trends=_trends(merged["trends"]),
    )


def _severity_surfaces(
    severities: Mapping[str, Severity], items: Mapping[str, Item]
) -> dict[str, str]:
    table = SurfaceTable[str]("severity")
    for severity in severities.values():
        file = items[severity.id].origin("aliases")
        for surface in (severity.id, *severity.aliases):
            table.add(surface, severity.id, owner=severity.id, file=file)
    return table.values


def _trends(items: Mapping[str, Item]) -> dict[str, Trend]:
    table = SurfaceTable[Trend]("trend")
    for name, item in items.items():
        file = item.origin("words")
        known("trend", name, get_args(Trend), f"{file}: trends")
        for surface in texts(item, "words", f"trends.{name}"):
            table.add(surface, cast("Trend", name), owner=name, file=file)
    return table.values


def _places(merged: Merged, regions: Mapping[str, Region]) -> dict[str, Place]:
    """Regions (id, name, adjective, aliases), sides, and words that mean both at once."""
    table = SurfaceTable[Place]("place")
    for region in regions.values():
        file = merged["regions"][region.id].origin("aliases")
        place = Place(side=region.side, region=region.id)
        for surface in (region.id, region.name, region.adjective, *region.aliases):
            table.add(surface, place, owner=region.id, file=file)
    for name, item in merged["sides"].items():
        file = item.origin("words")
        known("side", name, get_args(Side), f"{file}: sides")
        for surface in texts(item, "words", f"sides.{name}"):
            table.add(surface, Place(side=cast("Side", name)), owner=name, file=file)
    for name, item in merged["places"].items():
        written = {key: value for key, value in item.values.items() if key != "words"}
        place = build(Place, written, item, f"places.{name}")
        if place.region is not None:
            known("region", place.region, regions, f"{item.origin('region')}: places.{name}")
        more = texts(item, "words", f"places.{name}") if "words" in item.values else []
        for surface in (name, *more):
            table.add(surface, place, owner=name, file=item.origin("words"))
    return table.values
