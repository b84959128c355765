import pytest
from gpt_ie.cli.options import names


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (None, None),
        ("", ()),
        ("findings", ("findings",)),
        (" findings , impression ,, ", ("findings", "impression")),
    ],
)
def test_names_are_parted_at_commas(text: str | None, parts: tuple[str, ...] | None):
    assert names(text) == parts
