"""What findings do to the anatomy: heart, diaphragm, mediastinum, chest and vessels."""

from collections.abc import Callable
from dataclasses import replace

from medfilip_model.phantom.anatomy import SIGN
from medfilip_model.phantom.patient import Patient
from medfilip_model.phantom.planned import Planned

Effect = Callable[[Patient, Planned], Patient]


def _away(item: Planned) -> float:
    """Sign of x towards the other side; 0 if both sides are touched."""
    return -SIGN[item.sides[0]] if len(item.sides) == 1 else 0.0


def _lifted(patient: Patient, item: Planned, height: float) -> tuple[float, float]:
    lift = list(patient.lift)
    for side in item.sides:
        lift[side] += height
    return lift[0], lift[1]


def _pushed(start: float, amount: float) -> Effect:
    """The mediastinum gives way once the strength passes ``start``."""

    def effect(patient: Patient, item: Planned) -> Patient:
        shift = _away(item) * amount * max(item.strength - start, 0)
        return replace(patient, shift_mediastinum=patient.shift_mediastinum + shift)

    return effect


def _wide_heart(patient: Patient, item: Planned) -> Patient:
    return replace(patient, ctr=0.54 + 0.16 * item.strength)


def _collapsed(patient: Patient, item: Planned) -> Patient:
    """Lost volume pulls the mediastinum over and the dome up."""
    return replace(
        patient,
        shift_mediastinum=patient.shift_mediastinum - 0.03 * _away(item) * item.strength,
        lift=_lifted(patient, item, 0.025 + 0.085 * item.strength),
    )


def _wet(patient: Patient, item: Planned) -> Patient:
    return replace(patient, redistribution=0.3 + 0.7 * item.strength)


def _congested(patient: Patient, item: Planned) -> Patient:
    """Upper-zone vessels as wide as the lower ones or wider, all of them fuller."""
    return replace(
        patient,
        redistribution=0.6 + 0.6 * item.strength,
        vessels=patient.vessels * (1.1 + 0.15 * item.strength),
    )


def _overinflated(patient: Patient, item: Planned) -> Patient:
    """Low flat domes, a wide long chest with level ribs, a narrow hanging heart, thin vessels."""
    strength = item.strength
    drop = 0.02 + 0.10 * strength
    return replace(
        patient,
        dome=patient.dome + drop,
        sulcus=max(patient.sulcus - drop, 0.06),
        half_width=patient.half_width + 0.02 * strength,
        ctr=patient.ctr * (0.92 - 0.16 * strength),
        heart_height=patient.heart_height + 0.8 * drop,
        rib_fall=patient.rib_fall * (1 - 0.3 * strength),
        rib_step=patient.rib_step * (1 + 0.05 * strength),
        vessels=patient.vessels * (1 - 0.25 * strength),
    )


def _shrunk(patient: Patient, item: Planned) -> Patient:
    """Stiff small lungs: both domes high."""
    return replace(patient, lift=_lifted(patient, item, 0.03 + 0.09 * item.strength))


def _bound(patient: Patient, item: Planned) -> Patient:
    """A thick rind makes its side small."""
    rind = max(item.strength - 0.5, 0) if item.finding.region == "peripheral" else 0.0
    return replace(
        patient,
        shift_mediastinum=patient.shift_mediastinum - 0.05 * _away(item) * rind,
        lift=_lifted(patient, item, 0.09 * rind),
    )


def _herniated(patient: Patient, item: Planned) -> Patient:
    """A stomach that lies in the chest leaves no bubble under the dome."""
    return replace(patient, gas=patient.gas * max(0.0, 1 - 1.5 * item.strength))


EFFECTS: dict[str, Effect] = {
    "cardiomegaly": _wide_heart,
    "pleural_effusion": _pushed(0.7, 0.3),
    "pneumothorax": _pushed(0.6, 0.22),
    "atelectasis": _collapsed,
    "pulmonary_edema": _wet,
    "vascular_congestion": _congested,
    "emphysema": _overinflated,
    "pulmonary_fibrosis": _shrunk,
    "pleural_thickening": _bound,
    "hernia": _herniated,
}


def deform(patient: Patient, planned: tuple[Planned, ...]) -> Patient:
    """The patient with what the findings do to heart, diaphragm, mediastinum and vessels."""
    for item in planned:
        effect = EFFECTS.get(item.finding.category)
        if effect is not None:
            patient = effect(patient, item)
    return patient
