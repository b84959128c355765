"""A model of the user's own: found, checked, and told from another by what it answers."""

import sys
import textwrap

import pytest
import torch
from medfilip_bench.errors import ModelError
from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.registry import load

GOOD = """
    import torch
    from torch import nn

    class Mine:
        size = 16
        trained_on = "three images"

        def encode_image(self, images):
            return images.float().flatten(1)[:, :4] * SCALE

        def encode_text(self, texts):
            return torch.tensor([[len(text), 1.0, 2.0, 3.0] for text in texts])

    SCALE = 1.0

    def make():
        return Mine()

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.layer = nn.Linear(224 * 224, 4)

        def encode_image(self, images):
            return self.layer(images.float().flatten(1))

    def net():
        return Net()

    def nothing():
        return 7

    def broken():
        raise RuntimeError("no weights at hand")

    class Flat(Mine):
        def encode_text(self, texts):
            return torch.zeros(3)

    def flat():
        return Flat()

    class Sized(Mine):
        size = "large"

    def sized():
        return Sized()

    class Failing(Mine):
        def encode_image(self, images):
            raise ValueError("wants colours")

    def failing():
        return Failing()
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a module into a working directory of its own; each test has another name."""
    monkeypatch.chdir(tmp_path)
    names = iter(f"own_{tmp_path.name.replace('-', '_')}_{n}" for n in range(9))

    def make(content=GOOD):
        name = next(names)
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(content), encoding="utf-8")
        return name

    return make


def test_a_module_of_the_working_directory(write):
    loaded = load(f"{write()}:make")
    assert (loaded.size, loaded.trained_on, loaded.template) == (16, "three images", None)
    assert loaded.abilities == {"images", "texts"}
    assert loaded.model.encode_text(["ab"]).tolist() == [[2.0, 1.0, 2.0, 3.0]]


def test_a_network_without_texts(write):
    loaded = load(f"{write()}:net")
    assert loaded.size == 224
    assert loaded.abilities == {"images"}
    assert not loaded.model.training


@pytest.mark.parametrize(
    ("function", "words"),
    [
        ("nothing", "returned a int; it should return an object with the methods encode_image"),
        ("broken", "the function failed: RuntimeError: no weights at hand"),
        ("flat", r"encode_text should return a tensor of one row for each of its 2 inputs"),
        ("sized", "size is the side of its images in pixels, got 'large'"),
        ("failing", "encode_image failed: ValueError: wants colours"),
        ("mak", "has no function 'mak'; it has make, net"),
        ("SCALE", "has no function 'SCALE'"),
    ],
)
def test_what_a_function_gives_is_checked(write, function, words):
    with pytest.raises(ModelError, match=words):
        load(f"{write()}:{function}")


def test_a_module_that_cannot_be_imported(write):
    with pytest.raises(ModelError, match=r"importing 'own_.*' failed: ZeroDivisionError"):
        load(f"{write('1 / 0')}:make")


def test_other_answers_are_another_model(write):
    content = textwrap.dedent(GOOD)
    one, other = write(content), write(content.replace("SCALE = 1.0", "SCALE = 1.5"))
    first, again, second = load(f"{one}:make"), load(f"{one}:make"), load(f"{other}:make")
    assert first.sha256 == again.sha256
    assert first.sha256 != second.sha256


def test_a_helper_beside_it_counts(write, tmp_path, monkeypatch):
    """A change that the few fixed images do not show."""
    helper, name = (write("SCALE = 1.0"), write())
    path = tmp_path / f"{name}.py"
    path.write_text(f"from {helper} import SCALE as unused\n" + path.read_text())
    found = []
    for more in ("", "", "\n# another"):
        with (tmp_path / f"{helper}.py").open("a") as stream:
            stream.write(more)
        monkeypatch.delitem(sys.modules, name, raising=False)
        found.append(load(f"{name}:make").sha256)
    assert found[0] == found[1] != found[2]


def test_answers_from_outside_count(write, tmp_path):
    """The source and the object are the same; a file that it reads is not."""
    name = write(
        """
        import torch
        from pathlib import Path

        class Mine:
            size = 8

            def encode_image(self, images):
                return images.float().flatten(1) * float(Path("scale.txt").read_text())

        def make():
            return Mine()
        """
    )
    found = []
    for scale in ("1.0", "1.0", "2.0"):
        (tmp_path / "scale.txt").write_text(scale)
        found.append(load(f"{name}:make").sha256)
    assert found[0] == found[1] != found[2]


def test_a_loaded_model_is_taken_as_it_is(write):
    name = write(
        """
        from medfilip_bench.models.base import LoadedModel
        from medfilip_bench.models.chance import RandomModel

        def make(sha="a" * 64):
            return LoadedModel("mine", "", RandomModel(8), sha, 32, "nothing")

        def unhashed():
            return make("")
        """
    )
    loaded = load(f"{name}:make")
    assert isinstance(loaded, LoadedModel)
    assert (loaded.name, loaded.spec, loaded.size) == ("mine", f"{name}:make", 32)
    with pytest.raises(ModelError, match="sha256 is empty"):
        load(f"{name}:unhashed")


def test_the_import_path_is_left_as_it_was(write):
    before = list(sys.path)
    load(f"{write()}:make")
    assert sys.path == before
    assert torch.is_grad_enabled()
