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
    "mass": ("mass", "lung mass", "pulmonary mass"),
    "emphysema": ("emphysema", "emphysematous change"),
    "pulmonary_fibrosis": ("pulmonary fibrosis", "interstitial fibrosis", "fibrosis"),
    "vascular_congestion": ("vascular congestion", "pulmonary vascular congestion"),
    "pleural_thickening": ("pleural thickening",),
    "rib_fracture": ("rib fracture",),
    "hernia": ("hiatal hernia", "hiatus hernia"),
    "covid19": ("COVID-19 pneumonia", "COVID-19"),
    "granuloma": ("calcified granuloma",),
    "granulomatous_disease": ("calcified lymph nodes",),
    "scarring": ("scarring",),
    "healed_fracture": ("healed rib fracture", "old healed rib fracture"),
    "pacemaker": ("pacemaker",),
    "central_line": ("central venous catheter", "central line"),
    "endotracheal_tube": ("endotracheal tube",),
    "enteric_tube": ("nasogastric tube", "enteric tube"),
    "sternotomy": ("median sternotomy wires", "sternotomy wires"),
    "surgical_clips": ("surgical clips",),
}

COUNTABLE = frozenset(
    {
        "lung_opacity",
        "pleural_effusion",
        "pneumothorax",
        "nodule",
        "mass",
        "rib_fracture",
        "hernia",
        "granuloma",
        "healed_fracture",
        "pacemaker",
        "central_line",
        "endotracheal_tube",
        "enteric_tube",
    }
)
"""Categories whose noun takes an article."""

PLURAL = frozenset({"granulomatous_disease", "sternotomy", "surgical_clips"})
"""Categories whose noun is a plural already."""

SPOKEN_REGIONS = frozenset({"rib"})
"""Regions that the noun tells, so that no further word is needed."""

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
    "hilum": "hilar",
    "retrocardiac": "retrocardiac",
}
"""Region → the word before a noun. Regions that are not listed always follow the noun."""

BOTH_ADJECTIVES: dict[str, str] = {"base": "bibasilar", "apex": "biapical"}
"""Region → the one word for both sides of it."""

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
    "peripheral": "in the periphery of the {side} lung",
    "hilum": "at the {side} hilum",
}
"""Region → the words after a noun, for one side."""

BOTH_PLACES: dict[str, str] = {
    "upper": "in both upper zones",
    "mid": "in both mid zones",
    "lower": "in both lower zones",
    "base": "at both lung bases",
    "apex": "at both apices",
    "perihilar": "in both perihilar regions",
    "peripheral": "in the periphery of both lungs",
    "costophrenic_angle": "in both costophrenic angles",
}
"""Region → the words after a noun, for both sides."""

SIDELESS_PLACES: dict[str, str] = {
    "upper": "in the upper zones",
    "retrocardiac": "behind the heart",
}
"""Region → the words after a noun, where no side is told."""

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

ADVERBS = {"mild": "mildly", "moderate": "moderately", "severe": "severely"}

OWN_STATEMENTS: dict[str, tuple[str, ...]] = {
    "cardiomegaly": (
        "The heart is {adverb} enlarged.",
        "The cardiac silhouette is {adverb} enlarged.",
    ),
    "rib_fracture": (
        "There is a {severity} fracture of the {side} lateral ribs.",
        "{severity} fractures of the {side} lateral ribs are seen.",
    ),
}
"""Sentences that only one category has; they tell no trend."""

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
    (
        ("mass", "nodule"),
        ("No mass or suspicious nodule.", "No lung mass or nodule is seen."),
    ),
    (("nodule",), ("No suspicious pulmonary nodule.", "No nodule is identified.")),
    (("vascular_congestion",), ("No vascular congestion.", "There is no vascular congestion.")),
    (("rib_fracture",), ("No rib fracture is identified.", "There is no displaced rib fracture.")),
    (("hernia",), ("No hiatal hernia.", "There is no hiatal hernia.")),
)
"""Categories that must all be missing → sentences that then may be said."""

ASIDES = (
    "Frontal view of the chest.",
    "A single frontal view was obtained.",
    "The trachea is midline.",
    "The upper abdomen is unremarkable.",
)
BONE_ASIDES = ("The visualized bones are intact.", "No acute bony abnormality.")
"""Sentences that say nothing of any finding; the second kind only where no rib is broken."""

NORMAL_IMPRESSIONS = (
    "No acute cardiopulmonary abnormality.",
    "No acute cardiopulmonary process.",
    "Normal chest.",
    "No acute disease in the chest.",
)

DEVICE_STATEMENTS: dict[str, tuple[str, ...]] = {
    "pacemaker": ("is in place", "with a single lead is in place", "is noted"),
    "central_line": ("ends in the superior vena cava", "is in place", "is noted"),
    "endotracheal_tube": ("ends well above the carina", "is in place", "is noted"),
    "enteric_tube": ("ends in the stomach", "is in place", "is noted"),
    "sternotomy": ("are intact", "are in place", "are noted"),
    "surgical_clips": ("are noted", "are in place"),
}
"""What is said of a device after its noun."""
