import torch
from medfilip_model.export.encoders import PROBES, programs
from medfilip_model.model import MedFILIP


@torch.no_grad()
def test_programs_compute_what_the_model_says(model: MedFILIP):
    image, text = programs(model)
    for probe, found in zip(image.probes, image.expected(), strict=True):
        torch.testing.assert_close(found, model.encode_image(probe))
    torch.testing.assert_close(text.expected()[1], model.encode_text(PROBES))


def test_probes_vary_along_every_free_axis(model: MedFILIP):
    for program in programs(model):
        for axis in program.free:
            assert len({probe.shape[axis] for probe in program.probes}) > 1
