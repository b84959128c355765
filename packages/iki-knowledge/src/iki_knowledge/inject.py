"""Finding → text (IKI, eq. 2-3). Pure templates, no lookups beyond the entry and the vocabulary."""

from iki_knowledge.finding import Finding, Side
from iki_knowledge.schema import Entry, Subclass, Template, Vocabulary


def location_words(side: Side | None, region: str | None, vocabulary: Vocabulary) -> str:
    """The location as adjectives that stand before a category.

    A side alone is "left-sided", "right-sided" or "bilateral" (the paper's wording); with a region
    it is "left basilar", "bilateral perihilar", "right lower lobe".

    Args:
        side: Laterality as the patient's own.
        region: Region id.
        vocabulary: Supplies the region's adjective.

    Returns:
        The words, empty when neither is given.
    """
    if region is None:
        return "" if side is None else side if side == "bilateral" else f"{side}-sided"
    adjective = vocabulary.regions[region].adjective
    return adjective if side is None else f"{side} {adjective}"


def unsaid_region(entry: Entry, region: str | None, vocabulary: Vocabulary) -> str | None:
    """The region, unless the entry's name says it already ("hilar enlargement" at the hilum).

    The roots of the tree, such as the lung, are not said either.
    """
    if region is None or not vocabulary.regions[region].named:
        return None
    wording = vocabulary.regions[region]
    said = wording.name in entry.name or wording.adjective in entry.name
    return None if said else region


def explanation(
    entry: Entry,
    vocabulary: Vocabulary,
    *,
    severity: str | None = None,
    side: Side | None = None,
    region: str | None = None,
) -> str:
    """The explanation that fits best: of severity, else place, else the entry.

    Of places the narrowest counts: side and region together, else the region, else the side.

    A severity without a text of its own takes that of the same rank (a "mild" effusion is a
    "small" one).
    """
    graded = _of_severity(entry, vocabulary, severity) if severity else None
    keys = (f"{side} {region}", region, side)
    places = (entry.by_place[key] for key in keys if key is not None and key in entry.by_place)
    return (graded or next(places, None) or entry).explanation


def _of_severity(entry: Entry, vocabulary: Vocabulary, severity: str) -> Subclass | None:
    """The subclass of a severity, else of another severity of the same rank."""
    grades = vocabulary.severities
    alike = (grade for grade in entry.by_severity if grades[grade].rank == grades[severity].rank)
    best = severity if severity in entry.by_severity else next(alike, None)
    return None if best is None else entry.by_severity[best]


def render(finding: Finding, entry: Entry, vocabulary: Vocabulary, template: Template) -> str:
    """The text of a finding.

    ==============  ====================================================================
    paper           {severity} {location} {category}, where {category} is {explanation}
    official        {severity} {location} {category}. {explanation}
    triplet         {severity} {location} {category}
    category        {category}
    explanation     {explanation}
    radiograph      This is an X-ray image of {category}
    ==============  ====================================================================

    Missing parts leave no gap, and a region that the name says already is left out. Presence and
    trend are not rendered: the text says what the finding looks like; whether it is there belongs
    to the targets.

    Args:
        finding: The finding; its severity and region must be canonical.
        entry: The dictionary entry of its category.
        vocabulary: Supplies ranks and wording.
        template: One of the six.

    Returns:
        One line.
    """
    explained = explanation(
        entry, vocabulary, severity=finding.severity, side=finding.side, region=finding.region
    )
    region = unsaid_region(entry, finding.region, vocabulary)
    location = location_words(finding.side, region, vocabulary)
    triplet = " ".join(part for part in (finding.severity, location, entry.name) if part)
    match template:
        case "paper":
            return f"{triplet}, where {entry.name} is {_lower_first(explained)}"
        case "official":
            return f"{triplet}. {explained}"
        case "triplet":
            return triplet
        case "category":
            return entry.name
        case "explanation":
            return explained
        case "radiograph":
            return f"This is an X-ray image of {entry.name}"


def _lower_first(text: str) -> str:
    """Lower-case the first letter, unless the first word is an acronym."""
    first = text.split(" ", 1)[0]
    return text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]
