import pytest
from iki_knowledge import KnowledgeFileError, Place
from iki_knowledge.merge import merge
from iki_knowledge.spot import Source
from iki_knowledge.vocabulary import assemble_vocabulary

SMALL = {
    "severities": {"mild": {"rank": 2, "aliases": ["slight"]}},
    "trends": {"stable": ["unchanged"]},
    "hedges": {"possible": ["may be"], "probable": ["likely"]},
    "chronicities": {"chronic": ["long-standing"]},
    "sides": {"left": ["left", "lt"], "right": ["right"]},
    "regions": {
        "lung": {"name": "lung", "adjective": "lung", "named": False},
        "base": {"name": "base", "adjective": "basilar", "parent": "lung"},
        "lingula": {"name": "lingula", "adjective": "lingular", "side": "left"},
    },
    "places": {"bibasilar": {"side": "bilateral", "region": "base", "words": ["bibasal"]}},
}


def vocabulary(**changes: object):
    return assemble_vocabulary(merge([Source("v.yaml", {**SMALL, **changes})])[1])


def test_every_form_leads_to_its_meaning():
    found = vocabulary()
    assert found.severity_surfaces == {"mild": "mild", "slight": "mild"}
    assert found.trends == {"unchanged": "stable"}
    assert found.hedges == {"may be": "possible", "likely": "probable"}
    assert found.chronicities == {"long standing": "chronic"}
    assert found.places == {
        "base": Place(region="base"),
        "basilar": Place(region="base"),
        "lingula": Place(side="left", region="lingula"),
        "lingular": Place(side="left", region="lingula"),
        "left": Place(side="left"),
        "lt": Place(side="left"),
        "right": Place(side="right"),
        "bibasilar": Place(side="bilateral", region="base"),
        "bibasal": Place(side="bilateral", region="base"),
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trends": {"better": ["x"]}}, "unknown trend 'better'"),
        ({"hedges": {"sure": ["x"]}}, "hedges: unknown hedge 'sure'"),
        ({"chronicities": {"chronical": ["x"]}}, "'chronical'; did you mean 'chronic'"),
        ({"trends": {"stable": "unchanged"}}, "trends.stable must be a list of texts"),
        ({"sides": {"lef": ["x"]}}, "unknown side 'lef'; did you mean 'left'"),
        ({"sides": {"left": ["l"], "right": ["L"]}}, "alias 'L' already means 'left'"),
        ({"places": {"x": {"region": "bass"}}}, "unknown region 'bass'; did you mean 'base'"),
        ({"places": {"x": {"side": "lefty"}}}, r"places\.x\.side"),
        ({"severities": {"mild": {}}}, "severities.mild: 'rank' is missing"),
        (
            {"regions": {"base": {"name": "base", "adjective": "basilar", "parent": "base"}}},
            "cycle of parents: base -> base",
        ),
    ],
)
def test_what_does_not_fit_is_named(changes, message):
    with pytest.raises(KnowledgeFileError, match=message):
        vocabulary(**changes)
