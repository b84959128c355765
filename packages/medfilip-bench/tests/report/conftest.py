"""Records of every family made by hand, as a report gets them."""

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from medfilip_bench.report.page import make_page
from medfilip_bench.report.printing import render


def _load(name, file):
    """Load a module that stands beside this one, under a name that no other test has."""
    spec = spec_from_file_location(name, Path(__file__).with_name(file))
    sys.modules[name] = module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_load("bench_report_maker", "maker.py")
_everything = _load("bench_report_maker_everything", "maker_everything.py")
Maker, make_comparison = _everything.Maker, _everything.make_comparison


@pytest.fixture(scope="session")
def maker():
    """Makes records of one model."""
    return Maker


@pytest.fixture(scope="session")
def records():
    """One record of each family at least, of phantoms and of real images."""
    return Maker().everything()


@pytest.fixture(scope="session")
def comparison():
    """Two models on the same images."""
    return make_comparison()


@pytest.fixture(scope="session")
def page(records):
    """The page of all records, drawn once."""
    return make_page(records, ["retrieval: no images"], passed_over=["grounding: no boxes"])


@pytest.fixture(scope="session")
def html(page):
    """The page as HTML."""
    return render("report.html.j2", page=page)


@pytest.fixture(scope="session")
def markdown(page):
    """The page as Markdown."""
    return render("report.md.j2", page=page)
