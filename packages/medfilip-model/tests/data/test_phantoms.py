from medfilip_model.config import DataConfig
from medfilip_model.data.phantoms import load_phantoms
from medfilip_model.phantom import PhantomConfig, plan_phantom
from medfilip_model.progress import Silent


def test_phantoms_have_their_findings_and_their_reports():
    images = load_phantoms(DataConfig(train=2, valid=1, seed=3, workers=1), 32, Silent())
    assert [sample.split for sample in images.samples] == ["train", "train", "valid"]
    assert images.pixels.shape == (3, 32, 32)
    plan = plan_phantom(PhantomConfig(size=32, seed=3), 2)
    assert images.samples[2].findings == plan.findings
    assert images.samples[2].report == f"{plan.report.findings}\n\n{plan.report.impression}"
