"""The words that turn, hedge or bound what a sentence says. Data; scope.py gives them reach.

The kinds follow ConText (Harkema et al., 2009) and NegBio (Peng et al., 2018), with one split more:
a denial or a hedge stands either before what it governs or after it.

In the lists a comma parts phrases and ``{a|b}`` stands for either; ``{|a}`` for a or nothing, and
``{BE}`` for the choices of that name.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

from gpt_ie.rules.tokens import PhraseTree

CueKind = Literal[
    "neutral",  # looks like a denial and is none: "no change in"
    "existence",  # "there": starts a new clause if one is under way
    "hedge_last",  # "is not excluded": hedges what precedes
    "unasserted_last",  # "may not be demonstrated": what precedes is not said to be seen
    "deny_last",  # "is not seen", "has resolved": denies what precedes
    "deny_either",  # "resolved": denies the noun that follows at once, else what precedes
    "hedge_next",  # "may represent": hedges what follows
    "hedge_list",  # "differential includes": hedges a whole list, whatever it is made of
    "hedge_near",  # "possible": hedges the next noun and its alternatives
    "unasserted",  # "evaluate for", "history of": what follows is not said to be seen
    "deny_next",  # "no", "without": denies what follows
    "link",  # "consistent with": what follows is an interpretation of what precedes
    "boundary",  # starts a new clause: "but"
]

_CHOICES = {
    "SEEN": "seen|identified|visualized|visualised|noted|evident|present|demonstrated|appreciated|"
    "detected|apparent|observed|found|visible|shown|recognized|suggested|discernible|delineated",
    "FULLY": "|entirely|completely|totally|fully|definitively|definitely|absolutely|confidently|"
    "reliably",
    "BE": "is|are|was|were|be|has been|have been",
    "MODAL": "may|might|could|may well|could well|may also|could also|could potentially|"
    "may possibly",
    "COMMA": ",",
    "LIKELY": "likely|most likely|probably|possibly|presumably",
}

# Where a phrase has two kinds, the first listed here wins.
_LISTS: dict[CueKind, str] = {
    "neutral": """
        {no|without} {|significant|interval|significant interval|substantial|definite} change {|in},
        no {|significant|interval} {increase|decrease|improvement} in,
        {partial|incomplete|continued|further|some} clearing of,
        no {worsening|progression} of, not {|significantly|appreciably|substantially} changed,
        not {increased|decreased}, not {progressed|improved}, without improvement,
        incompletely resolved, {|has |have }not {|completely|entirely|fully} {resolved|cleared},
        not {as|only|just}, not necessarily, not previously seen,
        not {seen|present|identified|noted} {on|previously}, not visualized on,
        not {|fully|completely|well|optimally} {evaluated|included},
        not {fully|completely|well} {seen|visualized}, no longer as, no doubt,
        no {comparison|prior|previous|old}
    """,
    "existence": "there",
    "hedge_last": """
        {BE} {possible|suspected|considered|questioned|likely|favored|probable|questionable},
        {BE} {presumed|of concern|difficult to exclude|a consideration|a possibility},
        not {FULLY} {excluded|ruled out}, {BE} not {FULLY} {excluded|ruled out},
        {|is|are} also possible,
        {cannot|can not|can't|could not|may not} be {FULLY} {excluded|ruled out},
        {may|could|might|should|can} be {considered|present|suspected|questioned},
        {may|could|might|should|can} be {excluded|ruled out|a consideration},
        {likely|probably|possibly} present, difficult to {FULLY} exclude, favored
    """,
    "unasserted_last": "{may|might|could} not be {|well|fully} {SEEN}",
    "deny_last": """
        not {|well|clearly|definitely} {SEEN} on {this|today|the current|the present|current},
        {not|no longer} {|definitely|clearly|well|convincingly|readily|currently} {SEEN},
        {BE} {absent|unlikely|ruled out|excluded|resolved|gone}, {isn't|aren't} seen,
        {has|have} {|now|since|completely|essentially} {resolved|cleared|disappeared},
        {has|have} been {removed|ruled out|excluded}, unlikely, none, negative,
        {|is|are|appear|appears} within {normal limits|limits of normal|the limits of normal}
    """,
    "deny_either": "resolved, now resolved, completely resolved, absent, removed, cleared",
    "hedge_next": """
        {MODAL} {be|represent|reflect|indicate|suggest|have|include|mean},
        {MODAL} be {due to|related to|secondary to|from|a|an|caused by|explained by},
        {MODAL} be {consistent with|compatible with|seen with|the result of},
        {MODAL} {relate to|correspond to|result from|simply represent}, may, maybe, might, could,
        {cannot|can't|not} {FULLY} {exclude|rule out}, not excluding,
        {difficult|impossible|hard} to exclude, {suspicious|concerning|worrisome} {for|of},
        suspicion {for|of}, suspect, suspecting, concern {for|of|is raised for},
        {raise|raises|raising} the {possibility|question} of, {|a} possibility of,
        {question|suggestion} of, questioned, suggestive of, suggest, suggests, suggesting,
        suggested, consider, such as, favor, favors, favoring, favored to {be|represent},
        {thought|felt|believed|appears|appear} to represent,
        {LIKELY} {represents|represent|representing}, {LIKELY} {reflects|reflect|reflecting},
        {LIKELY} {due|secondary|related} to,
        {equivocal|indeterminate|nonspecific|not specific} for, less likely,
        in the {appropriate|right|proper|correct} clinical {setting|context|scenario}
    """,
    "hedge_list": """
        {|primary} differential {|diagnosis|diagnoses|considerations} {|includes|include},
        {|diagnostic} considerations {|would} include, {etiologies|possibilities} include
    """,
    "hedge_near": """
        possible, possibly, probable, probably, questionable, question, suspected,
        {|most|very} likely, presumed, presumably, presumptive, perhaps, potential, potentially,
        borderline, equivocal, doubtful, if any, ?
    """,
    "unasserted": """
        {|to} {evaluate|evaluation|eval|assess|assessment} {for|of}, to evaluate, {|to} rule out,
        r/o, to exclude {|the possibility of}, exclusion of, if, whether, to confirm, indication,
        {|known|prior|past|personal|family} {history|hx} of, h/o, hx,
        clinical {concern|suspicion|question} {for|of}, clinically suspected,
        {risk|risk factor|risk factors} {for|of}, {screening|looking|look|search|workup} for,
        {treatment|treated|follow up} for, {|signs or} symptoms of, {|known} exposure to,
        {|to} {document|ensure|confirm} {resolution|clearing} of, when compared to,
        {limit|limits} {|the} {evaluation|detection} {for|of}, {|in}sensitive for,
        {|low} sensitivity for, detecting, detection of, to detect,
        {correlate|correlate clinically|clinical correlation|correlation} for, correlate with,
        {MODAL} {|partially} {obscure|mimic|simulate|hide|mask}
    """,
    "deny_next": """
        no, not, without, w/o, nor, neither, never, none of the, absence of, lack of, lacking,
        devoid of, negative for, {free|clear|cleared} {of|from}, denies, denied, rather than,
        instead of, as opposed to, resolution of, {|interval} clearing of,
        {|interval} removal of, excludes,
        {rules|ruled} out, {fails|fail} to {reveal|show|demonstrate}, isn't, aren't, doesn't,
        don't, {cannot|can't} see, unremarkable for, no longer
    """,
    "link": """
        {consistent|compatible} {with|w}, compatible, combination of, in keeping with,
        representing, represents, represent, reflecting, reflects, indicating, indicates,
        indicative of, {due|secondary|related} to,
        associated with, {characteristic|typical|diagnostic} of, {|as} evidenced by
    """,
    "boundary": """
        ;, but, however, although, though, except {|for}, with the exception of, other than,
        {aside|apart} from, nevertheless, whereas, while, yet, despite, otherwise, because, since,
        in addition, additionally
    """,
}
_BRACES = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Cue:
    """What a phrase does to the findings around it.

    Attributes:
        kind: Its effect and direction.
        phrase: The phrase as listed here, for explanations.
    """

    kind: CueKind
    phrase: str


def expand(listed: str) -> Iterator[str]:
    """The phrases that a list stands for.

    Args:
        listed: Phrases parted by commas, with ``{a|b}`` for alternatives.

    Yields:
        Every phrase, with single spaces.
    """
    for pattern in listed.split(","):
        parts = _BRACES.split(pattern)
        choices = [
            _CHOICES.get(part, part).split("|") if number % 2 else [part]
            for number, part in enumerate(parts)
        ]
        for chosen in product(*choices):
            yield " ".join("".join(chosen).split())


def build_cues() -> PhraseTree[Cue]:
    """All cues as one tree."""
    tree: PhraseTree[Cue] = PhraseTree()
    for kind, listed in _LISTS.items():
        for phrase in expand(listed):
            tree.add(phrase, Cue(kind, phrase))
    return tree
