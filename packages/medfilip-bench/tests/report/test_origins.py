"""What figures rest on: named once, with licences, and what to beware of."""

from medfilip_bench.report.origins import (
    cost_table,
    data_table,
    notices,
    provenance,
    skipped,
    warnings,
)
from medfilip_bench.report.status import models_table, status_table
from medfilip_bench.results import Skipped


def test_warnings_are_said_once_with_their_tasks(maker):
    made = maker()
    text = "3 patients are in train and test"
    records = [made.multi(d, d, ("x",)).model_copy(update={"warnings": (text,)}) for d in "abcdefg"]
    (line,) = warnings(records)
    assert line.startswith(f"{text} (zero_shot-a-phantom, ")
    assert line.endswith("and 2 more)")


def test_the_same_unreadable_images_are_said_once(maker):
    files = tuple(Skipped(file=f"{k}.png", reason="broken") for k in range(7))
    made = maker()
    records = [
        record.model_copy(update={"data": record.data.model_copy(update={"skipped": files})})
        for record in (made.prompts(), made.subgroups(), made.multi("a", "a", ("x",)))
    ]
    lines = skipped(records)
    assert len(lines) == 2
    assert lines[0].startswith("ChestX-ray14 (phantom twin): 7 images could not be read")
    assert "0.png (broken)" in lines[0]
    assert "and 2 more" in lines[0]


def test_phantoms_and_real_images_have_their_notices(maker):
    made = maker()
    phantom, real = made.prompts(), made.multi("own", "own", ("x",), phantom=False)
    assert len(notices([phantom])) == 2
    assert "PHANTOM" in notices([phantom])[1]
    assert "PHANTOM" not in " ".join(notices([real]))
    assert "5,000 phantoms" in notices([real])[1]


def test_provenance_and_tables(records):
    facts = dict(provenance(records))
    assert facts["profile"] == "quick"
    assert facts["bootstrap replicates"] == "1,000"
    assert facts["measuring took"].startswith(f"{len(records) * 12.34:,.0f} s")
    assert facts["command"] == "medfilip-bench all"
    assert len(cost_table(records).lines) == len(records)
    data = data_table(records)
    assert {line.cells[0].text for line in data.lines} == {"phantom", "real"}
    assert data.lines[0].cells[4].text == "CC0 1.0"


def test_models(records, maker):
    (line,) = models_table(records).lines
    assert line.cells[-1].text == str(len(records))
    status = {line.name: line.cells[0].text for line in status_table(records).lines}
    assert status["MAVL"] == "published only"
    assert status["MedCLIP"] == "adapter tested on a random checkpoint only"
    made = maker().prompts()
    spec = made.model.model_copy(update={"spec": "medclip:weights.bin,text=bert"})
    ran = {
        line.name: line.cells[0].text
        for line in status_table([made.model_copy(update={"model": spec})]).lines
    }
    assert ran["MedCLIP"] == "run here"
