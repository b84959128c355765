import pytest
from iki_knowledge import Attribute, Entry, Place
from pydantic import ValidationError

ENTRY = {
    "id": "spot",
    "name": "spot",
    "group": "lungs",
    "explanation": "A spot.",
    "attributes": ("shape:round",),
}


def test_an_entry_needs_an_explanation_and_attributes():
    for field in ("explanation", "attributes", "group", "name"):
        with pytest.raises(ValidationError, match=field):
            Entry.model_validate({k: v for k, v in ENTRY.items() if k != field})


def test_an_unknown_key_is_refused():
    with pytest.raises(ValidationError, match="extra"):
        Entry.model_validate({**ENTRY, "colour": "white"})


def test_frozen():
    entry = Entry.model_validate(ENTRY)
    with pytest.raises(ValidationError, match="frozen"):
        entry.name = "other"


def test_an_attribute_has_a_known_kind():
    with pytest.raises(ValidationError, match="kind"):
        Attribute.model_validate({"id": "smell:bad", "kind": "smell", "text": "bad"})


def test_a_place_has_a_known_side():
    with pytest.raises(ValidationError, match="side"):
        Place.model_validate({"side": "both"})
