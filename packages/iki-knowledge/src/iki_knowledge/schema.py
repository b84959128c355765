"""The shape of the dictionary: entries, attributes, vocabularies. Frozen data, no IO."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from iki_knowledge.finding import Side, Trend

AttributeKind = Literal[
    "density", "shape", "margin", "texture", "distribution", "location", "associated_sign"
]
Template = Literal["paper", "official", "category", "triplet", "explanation"]


class Frozen(BaseModel):
    """Base settings: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Attribute(Frozen):
    """One visual attribute that a radiograph can show.

    Attributes:
        id: Stable id, ``kind:value``, e.g. ``"shape:meniscus"``.
        kind: The aspect it describes.
        text: The phrase that a reader or a text encoder is given.
    """

    id: str
    kind: AttributeKind
    text: str


class Entry(Frozen):
    """One category of the dictionary.

    Attributes:
        id: Stable snake_case id.
        name: Preferred name as written in a report, lower case unless an acronym.
        aliases: Surface forms that mean this category, beside its id and its name.
        excludes: Surface forms that contain an alias and mean something else
            (``"mass effect"`` is no mass).
        parent: Id of the broader category, if any.
        group: The anatomy it belongs to.
        explanation: One or two sentences of visual attributes and medical prior (IKI, eq. 2-3).
            The first is a noun phrase, so that it reads well after "where pneumonia is".
        attributes: Ids of the visual attributes it shows.
        severities: Canonical severity terms that apply to it.
        regions: Typical region ids.
        by_severity: Explanation of a subclass, keyed by canonical severity.
        by_place: Explanation of a subclass, keyed by region id or side.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    parent: str | None = None
    group: str
    explanation: str
    attributes: tuple[str, ...]
    severities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    by_severity: Mapping[str, str] = {}
    by_place: Mapping[str, str] = {}


class Severity(Frozen):
    """A canonical severity: its rank (1 trace … 4 large/severe) and its surface forms."""

    id: str
    rank: int
    aliases: tuple[str, ...] = ()


class Place(Frozen):
    """What a word of location means: a side, a region or both ("bibasilar" is bilateral base)."""

    side: Side | None = None
    region: str | None = None


class Region(Frozen):
    """A region of the chest.

    Attributes:
        id: Stable id, e.g. ``"base"``.
        name: The noun, e.g. ``"base"``.
        adjective: The word before a category, e.g. ``"basilar"`` in "right basilar opacity".
        side: The only side that has it (the lingula is left), if so.
        parent: The region that contains it, if any.
        aliases: Further surface forms.
    """

    id: str
    name: str
    adjective: str
    side: Side | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()


class Vocabulary(Frozen):
    """The closed vocabularies beside the categories. Surface forms are normalised.

    Attributes:
        severities: Canonical severities by id.
        regions: Regions by id.
        severity_surfaces: Surface form -> severity id.
        places: Surface form of a side, region or adjective -> side and region.
        trends: Surface form -> trend.
    """

    severities: Mapping[str, Severity]
    regions: Mapping[str, Region]
    severity_surfaces: Mapping[str, str]
    places: Mapping[str, Place]
    trends: Mapping[str, Trend]
