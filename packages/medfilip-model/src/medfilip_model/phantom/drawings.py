"""Category → the function that draws it."""

from collections.abc import Callable

import numpy as np

from medfilip_model.phantom.body import Body
from medfilip_model.phantom.lesions.airspace import (
    draw_consolidation,
    draw_opacity,
    draw_pneumonia,
)
from medfilip_model.phantom.lesions.collapse import draw_atelectasis
from medfilip_model.phantom.lesions.diffuse import draw_covid, draw_edema
from medfilip_model.phantom.lesions.focal import draw_granuloma, draw_nodule
from medfilip_model.phantom.lesions.heart import draw_large_heart
from medfilip_model.phantom.lesions.hernia import draw_hernia
from medfilip_model.phantom.lesions.implants import draw_central_line, draw_pacemaker
from medfilip_model.phantom.lesions.interstitial import draw_fibrosis
from medfilip_model.phantom.lesions.lucency import draw_emphysema
from medfilip_model.phantom.lesions.mass import draw_mass
from medfilip_model.phantom.lesions.patch import Patch
from medfilip_model.phantom.lesions.pleura import draw_effusion, draw_pneumothorax
from medfilip_model.phantom.lesions.ribs import draw_rib_fracture
from medfilip_model.phantom.lesions.scars import (
    draw_calcified_nodes,
    draw_healed_fracture,
    draw_scarring,
)
from medfilip_model.phantom.lesions.thickening import draw_thickening
from medfilip_model.phantom.lesions.tubes import draw_endotracheal_tube, draw_enteric_tube
from medfilip_model.phantom.lesions.vascular import draw_congestion
from medfilip_model.phantom.lesions.wires import draw_sternotomy, draw_surgical_clips
from medfilip_model.phantom.planned import Planned

Drawing = Callable[[Body, Planned, np.random.Generator], list[Patch]]

DRAWINGS: dict[str, Drawing] = {
    "lung_opacity": draw_opacity,
    "consolidation": draw_consolidation,
    "pneumonia": draw_pneumonia,
    "atelectasis": draw_atelectasis,
    "pleural_effusion": draw_effusion,
    "pneumothorax": draw_pneumothorax,
    "cardiomegaly": draw_large_heart,
    "pulmonary_edema": draw_edema,
    "nodule": draw_nodule,
    "mass": draw_mass,
    "emphysema": draw_emphysema,
    "pulmonary_fibrosis": draw_fibrosis,
    "vascular_congestion": draw_congestion,
    "pleural_thickening": draw_thickening,
    "rib_fracture": draw_rib_fracture,
    "hernia": draw_hernia,
    "covid19": draw_covid,
    "granuloma": draw_granuloma,
    "granulomatous_disease": draw_calcified_nodes,
    "scarring": draw_scarring,
    "healed_fracture": draw_healed_fracture,
    "pacemaker": draw_pacemaker,
    "central_line": draw_central_line,
    "endotracheal_tube": draw_endotracheal_tube,
    "enteric_tube": draw_enteric_tube,
    "sternotomy": draw_sternotomy,
    "surgical_clips": draw_surgical_clips,
}
