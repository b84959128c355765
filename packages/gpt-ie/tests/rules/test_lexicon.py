from pathlib import Path

from gpt_ie.rules.engine import RulesEngine
from gpt_ie.rules.lexicon import Lexicon
from gpt_ie.rules.tokens import tokenise
from iki_knowledge import KnowledgeBase, load_knowledge

# NIH ChestX-ray14 and what the first lexicon must have beside it.
WANTED = {
    "atelectasis", "cardiomegaly", "pleural_effusion", "infiltration", "mass", "nodule",
    "pneumonia", "pneumothorax", "consolidation", "pulmonary_edema", "emphysema",
    "pulmonary_fibrosis", "pleural_thickening", "hernia", "lung_opacity", "fracture", "scoliosis",
    "granuloma", "support_device",
}  # fmt: skip


def test_every_surface_of_the_dictionary_is_found(lexicon: Lexicon, kb: KnowledgeBase):
    found: set[str] = set()
    for surface, category in kb.surfaces.items():
        words = tokenise(surface).words
        hits = lexicon.findings.find(words)
        value = "" if kb[category].vague else category
        assert [(hit.value, hit.last - hit.first) for hit in hits] == [(value, len(words))]
        found.add(category)
    assert found >= WANTED


def test_excluded_forms_name_nothing(lexicon: Lexicon, kb: KnowledgeBase, engine: RulesEngine):
    assert kb.excluded
    for surface in kb.excluded:
        hits = lexicon.findings.find(tokenise(surface).words)
        assert [hit.value for hit in hits][:1] == [""]
        assert not engine.explain(f"There is {surface}.")


def test_a_vague_category_is_passed_over(kb: KnowledgeBase, engine: RulesEngine):
    vague = [entry for entry in kb.entries.values() if entry.vague]
    assert "abnormality" in {entry.id for entry in vague}
    for entry in vague:
        for surface in (entry.name, *entry.aliases):
            assert not engine.explain(f"There is {surface}."), surface


def test_an_overlay_adds_surfaces_and_changes_the_key(tmp_path: Path, engine: RulesEngine):
    overlay = tmp_path / "mine.yaml"
    overlay.write_text("entries:\n  pleural_effusion:\n    add_aliases: [wet lung sign]\n")
    mine = RulesEngine(load_knowledge(overlay))
    assert [one.finding.category for one in mine.explain("A wet lung sign.")] == [
        "pleural_effusion"
    ]
    assert not engine.explain("A wet lung sign.")
    assert mine.key != engine.key
    assert mine.name == engine.name
