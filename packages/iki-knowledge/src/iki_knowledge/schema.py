"""The shape of the dictionary: entries, attributes, vocabularies. Frozen data, no IO."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, model_validator

from iki_knowledge.finding import Side, Trend

AttributeKind = Literal[
    "density", "shape", "margin", "texture", "distribution", "location", "associated_sign"
]
Template = Literal["paper", "official", "category", "triplet", "explanation", "radiograph"]
CodeSystem = Literal["radlex", "snomedct", "umls"]
# How a code's meaning lies to the category's: the mapping relations of SKOS.
Match = Literal["exact", "close", "broad", "narrow"]
Hedge = Literal["possible", "probable"]
Chronicity = Literal["acute", "subacute", "chronic", "healed"]


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


class Subclass(Frozen):
    """A category at one severity or place, where that changes the picture.

    A file may write the explanation alone in its place.

    Attributes:
        explanation: One or two sentences, as of a category.
        shows: Visual attributes that it shows beside those of its category.
        lacks: Visual attributes of its category that it does not show.
    """

    explanation: str
    shows: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, value: object) -> object:
        return {"explanation": value} if isinstance(value, str) else value


class Code(Frozen):
    """What a category is called in a public terminology.

    Attributes:
        system: The terminology.
        code: E.g. ``"RID4872"``, ``"60046008"``, ``"C0032227"``.
        display: The terminology's own name of it.
        match: Whether the code means the same ("exact"), nearly so ("close"), more ("broad") or
            less ("narrow") than the category.
        source: Id of the reference in which a reader finds the code.
    """

    system: CodeSystem
    code: str
    display: str
    match: Match
    source: str


class Reference(Frozen):
    """A publication or a public data file.

    Attributes:
        id: Short stable id, e.g. ``"hansell2008"``.
        title: Its title.
        authors: First author and "and others", or the body that keeps it.
        published: Journal with volume and pages, book, or version of the file.
        year: Year of publication.
        doi: Digital object identifier, if it has one.
        url: Where to find it, if it has no identifier.
    """

    id: str
    title: str
    authors: str
    published: str
    year: int
    doi: str | None = None
    url: str | None = None


class Entry(Frozen):
    """One category of the dictionary.

    Attributes:
        id: Stable snake_case id.
        name: Preferred name as written in a report, lower case unless an acronym.
        aliases: Surface forms that mean this category, beside its id and its name.
        excludes: Surface forms that contain an alias and mean something else
            (``"mass effect"`` is no mass).
        ambiguous: Surface forms, aliases of another category, that may mean this one instead.
        parent: Id of the broader category, if any.
        group: The anatomy it belongs to.
        explanation: One or two sentences of visual attributes and medical prior (IKI, eq. 2-3).
            The first is a noun phrase, so that it reads well after "where pneumonia is".
        attributes: Ids of the visual attributes it shows.
        severities: Canonical severity terms that apply to it.
        regions: Typical region ids.
        by_severity: Subclasses by canonical severity.
        by_place: Subclasses by region id, by side, or by both ("left upper_lobe").
        look_alikes: Category that is mistaken for this one -> what tells the two apart.
        codes: Its codes in public terminologies; empty where none is known.
        references: Ids of the publications that the statements were checked against.
        vague: Whether the name says only that something is there ("abnormality"). Such a
            category serves published class lists; extraction from reports passes it over.
    """

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    ambiguous: tuple[str, ...] = ()
    parent: str | None = None
    group: str
    explanation: str
    attributes: tuple[str, ...]
    severities: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    by_severity: Mapping[str, Subclass] = {}
    by_place: Mapping[str, Subclass] = {}
    look_alikes: Mapping[str, str] = {}
    codes: tuple[Code, ...] = ()
    references: tuple[str, ...] = ()
    vague: bool = False


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
        named: Whether a phrase can name it; the roots of the tree only group others.
    """

    id: str
    name: str
    adjective: str
    side: Side | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    named: bool = True


class Vocabulary(Frozen):
    """The closed vocabularies beside the categories. Surface forms are normalised.

    Attributes:
        severities: Canonical severities by id.
        regions: Regions by id.
        severity_surfaces: Surface form -> severity id.
        places: Surface form of a side, region or adjective -> side and region.
        trends: Surface form -> trend.
        hedges: Surface form of uncertainty -> how likely, "possible" or "probable".
        chronicities: Surface form -> chronicity.
    """

    severities: Mapping[str, Severity]
    regions: Mapping[str, Region]
    severity_surfaces: Mapping[str, str]
    places: Mapping[str, Place]
    trends: Mapping[str, Trend]
    hedges: Mapping[str, Hedge]
    chronicities: Mapping[str, Chronicity]
