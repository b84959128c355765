"""How far a batch is from what it should be: the dual encoder's loss and the fusion head's.

Axis legend, beside the package's: K entities of a fusion head, R places.
"""

from medfilip_model.loss.attributes import Attributes, attribute_loss
from medfilip_model.loss.batch import batch_loss, entity_queries
from medfilip_model.loss.contrastive import embedding_loss, info_nce, semantic_reward
from medfilip_model.loss.entities import FusionTotals, class_balance, fusion_loss, fusion_totals
from medfilip_model.loss.targets import Targets, identity_targets

__all__ = [
    "Attributes",
    "FusionTotals",
    "Targets",
    "attribute_loss",
    "batch_loss",
    "class_balance",
    "embedding_loss",
    "entity_queries",
    "fusion_loss",
    "fusion_totals",
    "identity_targets",
    "info_nce",
    "semantic_reward",
]
