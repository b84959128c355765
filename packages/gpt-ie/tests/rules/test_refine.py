"""Broad categories made narrower by the words around them."""

import pytest
from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.refine import build_refinements
from iki_knowledge import KnowledgeBase


@pytest.mark.parametrize(
    ("sentence", "categories"),
    [
        ("Calcified right hilar lymph nodes.", ["granulomatous_disease"]),
        ("There are stable calcifications in the aortic arch.", ["aortic_calcification"]),
        ("Calcified left upper lung granuloma.", ["granuloma"]),
        ("Calcified right upper lobe nodule.", ["granuloma"]),
        ("Small calcification in the right lung.", ["calcification"]),
        ("Calcified lymph nodes. A nodule.", ["granulomatous_disease", "nodule"]),
        ("Old right rib fractures.", ["healed_fracture"]),
        ("A fracture is present on right rib 4.", ["rib_fracture"]),
        ("Displaced mid right clavicle comminuted fracture.", ["clavicle_fracture"]),
        ("No acute fracture.", ["fracture"]),
        ("Degenerative changes of the left glenohumeral joint.", ["joint_degeneration"]),
        ("Degenerative changes of the spine and shoulders.", ["degenerative_spine"]),
        ("Lower cervical arthritis.", ["degenerative_spine"]),
        ("Multiple small nodules in both lungs.", ["multiple_nodules"]),
        ("A nodule in each of multiple views.", ["nodule"]),
        ("Nodules are seen.", ["nodule"]),
        ("Nodules throughout both lungs.", ["multiple_nodules"]),
        ("The aorta is tortuous and calcified.", ["tortuous_aorta", "aortic_calcification"]),
        ("Calcified, tortuous aorta.", ["aortic_calcification", "tortuous_aorta"]),
        ("Calcified hilar lymph ___ and granulomas.", ["granulomatous_disease", "granuloma"]),
        ("The nodule appears densely calcified.", ["granuloma"]),
        ("Non calcified nodule.", ["nodule"]),
        ("Calcification in the left upper quadrant.", ["soft_tissue_calcification"]),
        ("Diffuse interstitial lung opacities.", ["interstitial_markings"]),
        ("Interstitial and nodular opacities.", ["interstitial_markings", "nodule"]),
        ("Alveolar opacity; interstitial edema.", ["lung_opacity", "pulmonary_edema"]),
        ("Right paratracheal density.", ["mediastinal_mass"]),
        ("Opacity and normal mediastinal contours.", ["lung_opacity"]),
        ("Healed mildly displaced right fourth posterolateral rib fracture.", ["healed_fracture"]),
        ("A fracture of T7.", ["vertebral_compression"]),
        ("The catheter ends in the distal SVC.", ["central_line"]),
        ("Pleural drainage catheter.", ["support_device"]),
    ],
)  # fmt: skip
def test_the_words_around_decide(engine: RulesEngine, sentence: str, categories: list[str]):
    assert [one.finding.category for one in engine.explain(sentence)] == categories


def test_another_clause_does_not(engine: RulesEngine):
    text = "There is a calcification in the lung; the aortic arch is normal."
    assert next(one.finding.category for one in engine.explain(text)) == "calcification"


def test_every_target_exists(kb: KnowledgeBase):
    found = build_refinements(kb)
    targets = {rule.target for rules in found.table.values() for rule in rules}
    assert {*targets, *found.calcified.values(), *found.calcified} <= set(kb)
    assert all(rules for rules in found.table.values())
