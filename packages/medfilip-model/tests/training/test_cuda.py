"""What only a CUDA device shows: float16 and the state of its scaler, compilation."""

import pytest
import torch
from medfilip_model.config import TrainConfig
from medfilip_model.training import Preempted, train

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_half_precision_learns_in_parts_and_resumes(small: TrainConfig, precision: str, listen):
    import os
    import signal

    config = small.replace(precision=precision, micro_batch=8, epochs=20, data__augment=False)
    with pytest.raises(Preempted):
        train(config, listener=listen({30: lambda: os.kill(os.getpid(), signal.SIGTERM)}))
    result = train(config)
    assert result.macro_auc is not None
    assert result.macro_auc > 0.9


def test_compiled_towers_keep_their_names(small: TrainConfig, weights, tiny_model):
    result = train(small.replace(compile=True, epochs=1))
    assert weights(result.out).keys() == tiny_model.state_dict().keys()
