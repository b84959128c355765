"""The words of the reports: a small grammar as data, written for the phantoms."""

SEVERITY_WORDS: dict[str, tuple[str, ...]] = {
    "trace": ("trace", "minimal", "tiny"),
    "small": ("small",),
    "mild": ("mild", "slight"),
    "moderate": ("moderate",),
    "large": ("large",),
    "severe": ("severe", "marked", "extensive"),
}

TREND_WORDS: dict[str, tuple[str, ...]] = {
    "new": ("new",),
    "stable": ("stable", "unchanged"),
    "improved": ("improving", "improved"),
    "worsened": ("worsening",),
}

NOUNS: dict[str, tuple[str, ...]] = {
    "lung_opacity": ("opacity", "hazy opacity", "airspace opacity"),
    "consolidation": ("consolidation", "airspace consolidation"),
    "pneumonia": ("pneumonia", "bronchopneumonia"),
    "atelectasis": ("atelectasis", "plate-like atelectasis", "linear atelectasis"),
    "pleural_effusion": ("pleural effusion",),
    "pneumothorax": ("pneumothorax",),
    "cardiomegaly": ("cardiomegaly", "cardiac enlargement"),
    "pulmonary_edema": ("pulmonary edema", "edema"),
    "nodule": ("nodule", "pulmonary nodule"),
    "covid19": ("COVID-19 pneumonia", "COVID-19"),
    "granuloma": ("calcified granuloma",),
    "pacemaker": ("pacemaker",),
    "central_line": ("central venous catheter", "central line"),
}

COUNTABLE = frozenset(
    {
        "lung_opacity",
        "pleural_effusion",
        "pneumothorax",
        "nodule",
        "granuloma",
        "pacemaker",
        "central_line",
    }
)
"""Categories whose noun takes an article."""

ADJECTIVES: dict[str, str] = {
    "upper": "upper zone",
    "mid": "mid zone",
    "lower": "lower zone",
    "base": "basilar",
    "apex": "apical",
    "perihilar": "perihilar",
    "upper_lobe": "upper lobe",
    "middle_lobe": "middle lobe",
    "lower_lobe": "lower lobe",
    "lingula": "lingular",
    "peripheral": "peripheral",
    "diffuse": "diffuse",
}
"""Region → the word before a noun. Regions that are not listed always follow the noun."""

PLACES: dict[str, str] = {
    "upper": "in the {side} upper zone",
    "mid": "in the {side} mid zone",
    "lower": "in the {side} lower zone",
    "base": "at the {side} lung base",
    "apex": "at the {side} apex",
    "perihilar": "in the {side} perihilar region",
    "upper_lobe": "in the {side} upper lobe",
    "middle_lobe": "in the {side} middle lobe",
    "lower_lobe": "in the {side} lower lobe",
    "lingula": "in the lingula",
    "costophrenic_angle": "in the {side} costophrenic angle",
}
"""Region → the words after a noun, for one side."""

BOTH_PLACES: dict[str, str] = {
    "base": "at both lung bases",
    "costophrenic_angle": "in both costophrenic angles",
}
"""Region → the words after a noun, for both sides."""

STATEMENTS = (
    "There {be} {np}.",
    "{np} {be} seen.",
    "{np} {be} present.",
    "{np} {be} noted.",
    "{np}.",
)
"""Sentences that affirm a finding."""

HEDGES = (
    "Possible {np}.",
    "Suspected {np}.",
    "Probable {np}.",
    "{np} {be} suspected.",
    "{np} cannot be excluded.",
)
"""Sentences that hedge one."""

HEART_STATEMENTS = (
    "The heart is {adverb} enlarged.",
    "The cardiac silhouette is {adverb} enlarged.",
)
ADVERBS = {"mild": "mildly", "moderate": "moderately", "severe": "severely"}

NORMAL_HEART = (
    # The first speaks of contours too.
    "Heart and mediastinal contours are within normal limits.",
    "The heart is normal in size.",
    "Heart size is normal.",
    "The cardiac silhouette is not enlarged.",
)
CLEAR_LUNGS = ("The lungs are clear.", "Both lungs are clear.", "The lungs are well aerated.")

DENIALS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (
        ("pneumothorax", "pleural_effusion"),
        (
            "No pneumothorax or pleural effusion.",
            "There is no pleural effusion or pneumothorax.",
            "Neither pleural effusion nor pneumothorax is seen.",
        ),
    ),
    (
        ("pneumothorax",),
        ("No pneumothorax.", "There is no pneumothorax.", "No pneumothorax is seen."),
    ),
    (
        ("pleural_effusion",),
        ("No pleural effusion.", "There is no pleural effusion.", "No effusion is seen."),
    ),
    (("consolidation",), ("No focal consolidation.", "There is no consolidation.")),
    (
        ("pulmonary_edema",),
        ("No evidence of pulmonary edema.", "There is no pulmonary edema.", "No edema."),
    ),
    (("nodule",), ("No suspicious pulmonary nodule.", "No nodule is identified.")),
)
"""Categories that must all be missing → sentences that then may be said."""

ASIDES = (
    "Frontal view of the chest.",
    "A single frontal view was obtained.",
    "The trachea is midline.",
    "The visualized bones are intact.",
    "No acute bony abnormality.",
    "The upper abdomen is unremarkable.",
)
"""Sentences that say nothing of any finding."""

NORMAL_IMPRESSIONS = (
    "No acute cardiopulmonary abnormality.",
    "No acute cardiopulmonary process.",
    "Normal chest.",
    "No acute disease in the chest.",
)

DEVICE_PLACES = {
    "pacemaker": ("is in place", "with a single lead is in place", "is noted"),
    "central_line": ("ends in the superior vena cava", "is in place", "is noted"),
}
