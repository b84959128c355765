import pytest
from medfilip_model.phantom import SEEN_CATEGORIES, PhantomConfig
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"classes": ("pneumonnia",)},
            r"no phantom category 'pneumonnia'; did you mean 'pneumonia'",
        ),
        ({"classes": ("scoliosis",)}, r"allowed: lung_opacity, .*covid19"),
        ({"classes": ("granuloma",)}, r"no phantom category 'granuloma'"),
        ({"classes": ()}, r"classes is empty"),
        ({"classes": ("nodule", "nodule")}, r"names 'nodule' twice"),
        ({"weights": {"nodul": 1}}, r"did you mean 'nodule'"),
        ({"weights": {"nodule": -1}}, r"greater than or equal to 0"),
        ({"classes": ("nodule",), "weights": {"nodule": 0}}, r"leave no class to draw"),
        ({"size": 8}, r"greater than or equal to 32"),
        ({"normal_share": 1.2}, r"less than or equal to 1"),
        ({"max_findings": 5}, r"less than or equal to 4"),
        ({"seed": -1}, r"greater than or equal to 0"),
        ({"pixels": 64}, r"Extra inputs are not permitted"),
    ],
)
def test_a_bad_recipe_is_named(values, message):
    with pytest.raises(ValidationError, match=message):
        PhantomConfig(**values)


def test_defaults_show_the_seen_classes_only():
    assert PhantomConfig().classes == SEEN_CATEGORIES
    assert "covid19" not in SEEN_CATEGORIES


def test_is_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        PhantomConfig().size = 64
