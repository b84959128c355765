import pytest
from gpt_ie.rules.merge import merge
from gpt_ie.schema import Evidence, ExtractedFinding
from hypothesis import given
from hypothesis import strategies as st


def finding(
    place: int,
    severity: str | None = None,
    side: str | None = None,
    region: str | None = None,
    presence: str = "present",
    category: str = "nodule",
) -> ExtractedFinding:
    evidence = Evidence(section="text", start=place, end=place + 1, text="x")
    return ExtractedFinding.model_validate(
        {
            "category": category, "severity": severity, "side": side, "region": region,
            "presence": presence, "surface": "x", "evidence": evidence,
        }
    )  # fmt: skip


def short(item: ExtractedFinding) -> tuple[int, str | None, str | None, str | None]:
    return item.evidence.start, item.severity, item.side, item.region


@pytest.mark.parametrize(
    ("given_", "left"),
    [
        # The same twice: the first evidence stays.
        ([finding(0, "small"), finding(9, "small")], [(0, "small", None, None)]),
        # The fuller one's evidence, at the place of the first.
        ([finding(0), finding(9, "small", "left")], [(9, "small", "left", None)]),
        ([finding(0, "small", "left"), finding(9)], [(0, "small", "left", None)]),
        # Each states something: both slots.
        ([finding(0, "small"), finding(9, None, "left")], [(0, "small", "left", None)]),
        # Sides that differ are two findings.
        (
            [finding(0, None, "left"), finding(9, None, "right")],
            [(0, None, "left", None), (9, None, "right", None)],
        ),
        (
            [finding(0), finding(9, presence="absent"), finding(12, category="mass")],
            [(0, None, None, None), (9, None, None, None), (12, None, None, None)],
        ),
    ],
)
def test_merge(
    given_: list[ExtractedFinding], left: list[tuple[int, str | None, str | None, str | None]]
):
    assert [short(item) for item in merge(given_)] == left


@given(
    st.lists(
        st.builds(
            finding,
            place=st.integers(0, 99),
            severity=st.sampled_from([None, "small", "large"]),
            side=st.sampled_from([None, "left", "right"]),
            region=st.sampled_from([None, "base", "apex"]),
            presence=st.sampled_from(["present", "absent"]),
        ),
        max_size=12,
    )
)
def test_merging_again_changes_nothing_and_loses_nothing(items: list[ExtractedFinding]):
    merged = merge(items)
    assert merge(merged) == merged
    assert len(merged) <= len(items)
    for item in items:
        assert any(
            one.category == item.category
            and one.presence == item.presence
            and all(
                getattr(item, slot) in (None, getattr(one, slot))
                for slot in ("severity", "side", "region", "trend")
            )
            for one in merged
        )
