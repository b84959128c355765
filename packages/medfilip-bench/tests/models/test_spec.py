"""What stands behind a model's name."""

import pytest
from medfilip_bench.errors import ModelError, UnknownNameError
from medfilip_bench.models.spec import existing, split_options, whole_number


def test_options_stand_at_the_end():
    assert split_options("timm", "a@b,c,size=9,text=/x", ("size", "text")) == (
        "a@b,c",
        {"size": "9", "text": "/x"},
    )
    assert split_options("timm", "a=b", ("size",)) == ("a=b", {})


def test_a_key_that_is_not_known_suggests_the_near_one():
    with pytest.raises(UnknownNameError, match="'siz'; did you mean 'size'"):
        split_options("timm", "a,siz=3", ("size",))


@pytest.mark.parametrize("argument", ["", ",size=3"])
def test_a_name_must_follow(argument):
    with pytest.raises(ModelError, match="must follow 'timm:'"):
        split_options("timm", argument, ("size",))


def test_no_option_twice():
    with pytest.raises(ModelError, match="'size' is given twice"):
        split_options("timm", "a,size=3,size=4", ("size",))


@pytest.mark.parametrize("value", ["", "-1", "3.5", "x", "0"])
def test_what_is_no_whole_number(value):
    with pytest.raises(ModelError, match=f"got {value!r}"):
        whole_number("timm:a", "size", value)


def test_what_is_not_there(tmp_path):
    assert existing("x", str(tmp_path), "a folder") == tmp_path
    with pytest.raises(ModelError, match=r"'x': there is no '.*none'; give a folder"):
        existing("x", str(tmp_path / "none"), "a folder")
