"""The shape of the dictionary: entries, attributes, vocabularies. Frozen data, no IO."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

from iki_knowledge.finding import Side, Trend

AttributeKind = Literal[
    "density", "shape", "margin", "texture", "distribution", "location", "associated_sign"
]
Template = Literal["paper", "official", "category", "triplet", "explanation"]


class IkiError(Exception):
    """Base of every error that iki-knowledge raises on purpose."""


class Frozen(BaseModel):
    """Base settings: immutable, no unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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
        aliases: Surface forms that mean this category.
        parent: Id of the broader category, if any.
        group: The file (anatomy) it is kept in.
        explanation: One or two sentences of visual attributes and medical prior (IKI, eq. 2-3).
        attributes: Ids of the visual attributes it shows.
        severities: Canonical severity terms that apply to it.
        regions: Typical region ids.
        by_severity: Explanation of a subclass, keyed by canonical severity.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    parent: str | None = None
    group: str
    explanation: str
    attributes: tuple[str, ...]
    severities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    by_severity: Mapping[str, str] = {}


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
    """A region of the chest: id, wording, the region that contains it, surface forms."""

    id: str
    name: str
    parent: str | None = None
    aliases: tuple[str, ...] = ()


class Vocabulary(Frozen):
    """The closed vocabularies beside the categories.

    Attributes:
        severities: Canonical severities by id.
        regions: Regions by id.
        places: Surface form of a side, region or adjective -> side and region.
        trends: Surface form -> trend.
    """

    severities: Mapping[str, Severity]
    regions: Mapping[str, Region]
    places: Mapping[str, Place]
    trends: Mapping[str, Trend]


class KnowledgeBase(Frozen):
    """The dictionary with its vocabularies and crosswalks; made by `iki_knowledge.load_knowledge`.

    Attributes:
        version: Version of the data, apart from the package's own.
        entries: Categories by id.
        attributes: Every visual attribute, in a fixed order.
        vocabulary: Severities, regions, places and trends.
        crosswalks: Data set -> {the data set's own label: category id}.
        surfaces: Normalised surface form -> category id.
    """

    version: str
    entries: Mapping[str, Entry]
    attributes: tuple[Attribute, ...]
    vocabulary: Vocabulary
    crosswalks: Mapping[str, Mapping[str, str]]
    surfaces: Mapping[str, str]
