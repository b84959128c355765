"""Wrong reports say one thing else than the image shows, and nothing else."""

import re
from collections import Counter

import pytest
from iki_knowledge import load_knowledge
from medfilip_model.errors import ConfigError
from medfilip_model.phantom import INCIDENTAL_CATEGORIES, PhantomConfig, phrases, plan_phantom
from medfilip_model.phantom.kinds import KINDS
from medfilip_model.phantom.mistakes import MISTAKES, make_mistake

KB = load_knowledge()
CONFIG = PhantomConfig(size=32)
PLANS = [plan_phantom(CONFIG, index) for index in range(80)]
MADE = {kind: [make_mistake(CONFIG, n, kind, KB) for n in range(len(PLANS))] for kind in MISTAKES}
DENIED = re.compile(r"^(?:No|There is no|Neither)\b")
OTHER_WORDS = {"cardiomegaly": ("enlarged",), "rib_fracture": ("lateral ribs",)}
# What one lung alone has.
LOBES = {"lingula": "middle_lobe", "middle_lobe": "lingula"}


def pairs(kind):
    """Each phantom that can be told wrong so: its plan and the wrong report."""
    return [(plan, made) for plan, made in zip(PLANS, MADE[kind], strict=True) if made]


def sentences(text):
    return [part for part in re.split(r"(?<=\.)\s+(?:\d\.\s)?", text) if part]


def says(text, category):
    nouns = phrases.NOUNS[category]
    plurals = tuple(f"{noun[:-1]}ies" for noun in nouns if noun.endswith("y"))
    names = (*nouns, *plurals, *OTHER_WORDS.get(category, ()))
    return any(re.search(rf"\b{re.escape(name)}s?\b", text, re.I) for name in names)


def told(report, category):
    """Sentences of both sections that name a category and do not deny it."""
    text = f"{report.findings} {re.sub(r'^1. ', '', report.impression)}"
    return [s for s in sentences(text) if says(s, category) and not DENIED.match(s)]


def denied(report, category):
    return [s for s in sentences(report.findings) if says(s, category) and DENIED.match(s)]


def classes(plan):
    return [f for f in plan.findings if f.category not in INCIDENTAL_CATEGORIES]


def test_a_mistake_is_the_same_every_time():
    for kind in MISTAKES:
        assert [make_mistake(CONFIG, n, kind, KB) for n in range(20)] == MADE[kind][:20]
    other = CONFIG.model_copy(update={"seed": 1})
    assert [make_mistake(other, n, "added", KB) for n in range(20)] != MADE["added"][:20]


def test_the_image_stays_as_it_is():
    # A wrong report is not planned as part of a phantom: the plan is that of the true one.
    assert [plan_phantom(CONFIG, index) for index in range(10)] == PLANS[:10]
    for kind in MISTAKES:
        for plan, made in pairs(kind):
            assert made.kind == kind
            assert made.true is None or made.true in plan.findings


def test_none_where_nothing_can_be_told_wrong():
    for number, plan in enumerate(PLANS):
        shown = classes(plan)
        possible = {
            "added": True,
            "omitted": bool(shown),
            "negation": bool(shown),
            "side": any(f.side in ("left", "right") for f in shown),
            "severity": any(f.severity for f in shown),
        }
        assert {kind: MADE[kind][number] is not None for kind in MISTAKES} == possible
    assert all(pairs(kind) for kind in MISTAKES)
    assert None in MADE["omitted"]


def test_an_added_finding_has_nothing_to_do_with_those_shown():
    for plan, made in pairs("added"):
        assert made.true is None
        shown = {f.category for f in plan.findings}
        category = made.said.category
        assert category in CONFIG.classes
        assert category not in shown
        assert not shown & {*KB.ancestors(category)}
        assert not any(category in KB.ancestors(name) for name in shown)
        assert told(made.report, category)
        for name in shown:
            assert told(made.report, name)
    assert len(Counter(made.said.category for _, made in pairs("added"))) > 8


def test_nothing_can_be_added_where_all_is_shown():
    config = PhantomConfig(classes=("mass",), normal_share=0.0, incidental_share=0.0)
    assert make_mistake(config, 0, "added", KB) is None


def test_an_omitted_finding_is_neither_named_nor_denied():
    for plan, made in pairs("omitted"):
        assert made.said is None
        category = made.true.category
        text = f"{made.report.findings} {made.report.impression}"
        assert not says(text, category)
        assert not any(text in made.report.findings for text in phrases.CLEAR_LUNGS) or (
            category in ("cardiomegaly", "rib_fracture", "hernia")
        )
        if category == "cardiomegaly":
            assert not any(text in made.report.findings for text in phrases.NORMAL_HEART)
        for finding in plan.findings:
            if finding is not made.true and finding.category != category:
                assert told(made.report, finding.category)
    assert len(Counter(made.true.category for _, made in pairs("omitted"))) > 8


def test_a_report_of_a_single_omitted_finding_is_a_normal_one():
    alone = [made for plan, made in pairs("omitted") if len(classes(plan)) == 1]
    assert alone
    assert all(made.report.impression in phrases.NORMAL_IMPRESSIONS for made in alone)


def test_a_swapped_side_is_told_and_nothing_else_of_it_changes():
    for plan, made in pairs("side"):
        assert {made.true.side, made.said.side} == {"left", "right"}
        region = LOBES.get(made.true.region, made.true.region)
        changes = {"side": made.said.side, "region": region}
        assert made.said == made.true.model_copy(update=changes)
        own = told(made.report, made.true.category)
        assert own
        if made.said.region != "lingula":
            assert any(made.said.side in sentence for sentence in own)
        assert not any(made.true.side in sentence for sentence in own if len(plan.findings) == 1)
    assert {made.true.side for _, made in pairs("side")} == {"left", "right"}
    regions = {made.said.region for _, made in pairs("side")}
    assert regions & {"lingula", "middle_lobe"}


def test_another_severity_is_told_and_nothing_else_of_it_changes():
    for plan, made in pairs("severity"):
        assert made.said.severity in KINDS[made.true.category].severities
        assert made.said.severity not in (None, made.true.severity)
        assert made.said == made.true.model_copy(update={"severity": made.said.severity})
        if len(plan.findings) == 1:
            text = " ".join(told(made.report, made.said.category)).lower()
            words = phrases.SEVERITY_WORDS[made.said.severity]
            assert any(word in text for word in (*words, phrases.ADVERBS.get(made.said.severity)))


def test_a_denied_finding_is_denied_once_and_not_told_of():
    for plan, made in pairs("negation"):
        category = made.true.category
        assert made.said.presence == "absent"
        assert made.said.model_dump(exclude_defaults=True, exclude={"presence"}) == {
            "category": category
        }
        last = sentences(made.report.findings)[-1]
        assert DENIED.match(last)
        assert says(last, category)
        assert denied(made.report, category) == [last]
        if len(classes(plan)) == 1:
            assert not told(made.report, category)


def test_the_order_of_the_findings_stays():
    for kind in ("side", "severity"):
        for plan, made in pairs(kind):
            own = [f.category for f in classes(plan)]
            if len(own) < 2 or made.report.impression in phrases.NORMAL_IMPRESSIONS:
                continue
            lines = sentences(re.sub(r"^1\. ", "", made.report.impression))
            assert all(says(line, name) for line, name in zip(lines, own, strict=True))


def test_a_negative_index_is_refused():
    with pytest.raises(ConfigError, match="negative"):
        make_mistake(CONFIG, -1, "added", KB)
