"""BiomedCLIP (Zhang et al. 2023): ViT-B/16 and PubMedBERT, as open_clip keeps it."""

from medfilip_bench.models.base import LoadedModel
from medfilip_bench.models.open_clip_model import make
from medfilip_bench.models.open_clip_recipe import from_folder
from medfilip_bench.models.spec import existing, split_options


def load_biomedclip(argument: str, device: str) -> LoadedModel:
    """Load BiomedCLIP.

    Args:
        argument: A copy of the hub's folder, with open_clip_config.json, weights and tokenizer;
            ``,text=FOLDER`` is where PubMedBERT's config.json is, if not there too.
        device: Where it is put.

    Raises:
        ModelError: If a file is missing or refused, or weights do not fit.
    """
    spec = f"biomedclip:{argument}"
    main, options = split_options("biomedclip", argument, ("text",))
    folder = existing(spec, main, "a folder with open_clip_config.json")
    return make(
        spec,
        from_folder(spec, folder, options.get("text")),
        "biomedclip",
        device,
        "figures and captions of papers in PubMed Central (BiomedCLIP's release)",
    )
