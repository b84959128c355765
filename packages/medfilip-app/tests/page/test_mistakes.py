from medfilip_app.page.mistakes import mistaken


def test_sides_are_swapped_and_nothing_else():
    report = "LEFT effusion. Right lung and left base clear; the leftover is bright."
    wrong, what = mistaken(report)
    assert wrong == "RIGHT effusion. Left lung and right base clear; the leftover is bright."
    assert "swapped" in what
    assert mistaken(wrong)[0] == report


def test_a_report_without_sides_gets_a_finding_that_nobody_saw():
    wrong, what = mistaken("The lungs are clear.")
    assert wrong == "The lungs are clear. There is a large left pneumothorax."
    assert "nobody saw" in what
