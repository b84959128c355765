import subprocess
import sys

import pytest
import ssm


def test_every_public_name_resolves():
    for name in ssm.__all__:
        found = getattr(ssm, name)
        # A Literal has no name of its own.
        assert name == "CalibrationMethod" or found.__name__ == name
    assert set(ssm.__all__) <= set(dir(ssm))


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        ssm.nothing  # noqa: B018 - looking it up is the test


def test_importing_and_using_the_core_loads_no_optional_package():
    code = (
        "import sys, ssm, ssm.cli; assert 'torch' not in sys.modules, 'torch';"
        "from ssm import LabelBank, load_encoder, semantic_similarity_matrix, itm_loss;"
        "heavy = {'transformers', 'sentence_transformers', 'sklearn', 'matplotlib', 'scipy',"
        " 'huggingface_hub', 'pandas'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
