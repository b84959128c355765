"""The text tower: CLIP's transformer, of any sizes or of an open_clip model, or a BERT-like one."""

from typing import Any

from jaxtyping import Float, Int
from torch import Tensor, nn

from medfilip_model.config import TextTowerConfig
from medfilip_model.errors import ConfigError
from medfilip_model.towers.text_norm import NormedText
from medfilip_model.towers.tokens import CLIP_PAD, tokenizer
from medfilip_model.towers.weights import (
    TEXT_SETTING,
    Source,
    State,
    clip_part,
    load_exactly,
    local_source,
    read_state,
)


def text_tower(config: TextTowerConfig, embed: int, *, load: bool = True) -> nn.Module:
    """Make the text encoder.

    How far a batch is padded changes nothing, in any kind.

    Args:
        config: Kind, sizes, weights.
        embed: Size D of the output.
        load: Whether the weights that `config` names are read; a checkpoint's follow where not.

    Returns:
        A module, token ids [M, L] → [M, D], for any L up to the context.

    Raises:
        ConfigError: If sizes do not fit, there is no such model, or the weights are not to be had
            or do not fit.
    """
    tower = _tower(config, embed, load=load)
    return NormedText(tower, embed) if config.norm else tower


def _tower(config: TextTowerConfig, embed: int, *, load: bool) -> nn.Module:
    if config.kind == "hf":
        from medfilip_model.towers.bert import bert_tower

        return bert_tower(config, embed, load=load)
    if config.kind == "open_clip":
        return _open_clip(config, embed, load=load)
    return _clip(config, embed, load=load)


class ProjectedText(nn.Module):
    """The text tower of an open_clip model, with a projection behind its own.

    Attributes:
        model: open_clip's `TextTransformer`: causal, so that nothing sees the padding behind it.
        projection: From the model's space to the one that both towers share here.
    """

    def __init__(self, model: Any, width: int, embed: int) -> None:  # noqa: ANN401 - open_clip's modules are untyped
        """Take a text tower whose output has `width` channels."""
        super().__init__()
        self.model = model
        self.projection = nn.Linear(width, embed, bias=False)

    def forward(self, tokens: Int[Tensor, "M L"]) -> Float[Tensor, "M D"]:
        """Embed M texts.

        open_clip's own `forward`, for any L: that one takes the full context only.
        """
        net, length = self.model, tokens.shape[1]
        states = net.token_embedding(tokens) + net.positional_embedding[:length]
        states = net.transformer(states, attn_mask=net.attn_mask[:length, :length])
        # The end token has the highest id.
        ends = tokens.argmax(dim=-1)[:, None, None].expand(-1, 1, states.shape[-1])
        last = net.ln_final(states.gather(1, ends).squeeze(1))
        return self.projection(last @ net.text_projection)


def _clip(config: TextTowerConfig, embed: int, *, load: bool) -> nn.Module:
    """CLIP's transformer, of our own sizes.

    Attention runs both ways, and padding is masked: the text is read as a whole at its end token.
    """
    from open_clip.transformer import TextTransformer

    if config.width % config.heads:
        raise ConfigError(f"text width {config.width} is no multiple of {config.heads} heads")
    tower = TextTransformer(
        context_length=config.context,
        vocab_size=tokenizer(config).vocabulary,
        width=config.width,
        heads=config.heads,
        layers=config.layers,
        output_dim=embed,
        no_causal_mask=True,
        use_pad_mask=True,
        pad_id=CLIP_PAD,
        pool_type="argmax",  # the end token has the highest id
    )
    if load and config.weights is not None:
        source = local_source(config.weights, TEXT_SETTING, known=())
        state = clip_part(read_state(source), "text")
        load_exactly(tower, _shortened(state, config.context, source), source)
    return tower


def _open_clip(config: TextTowerConfig, embed: int, *, load: bool) -> nn.Module:
    from open_clip.model import (
        CLIPTextCfg,
        _build_text_tower,  # pyright: ignore[reportPrivateUsage] - the rest builds images too
    )

    from medfilip_model.towers.open_clip_models import clip_config, clip_state, quick_gelu

    about = clip_config(config.name)
    name = str(config.name)
    shape: dict[str, Any] = {**about["text_cfg"], "context_length": config.context}
    text = CLIPTextCfg(**shape)
    own = (text.hf_model_name, text.hf_tokenizer_name, text.tokenizer_kwargs, text.tokenizer_mode)
    read = (text.pool_type, text.proj_type, text.proj_bias, text.no_causal_mask, text.embed_cls)
    if any(own) or read != ("argmax", "linear", False, False, False):
        raise ConfigError(
            f"the text tower of open_clip's {name!r} is not CLIP's, or has a tokenizer of its own; "
            "CLIP's are read, such as that of 'RN50' (model.text.kind = 'hf' reads BERT-like ones)"
        )
    width: int = about["embed_dim"]
    model = _build_text_tower(width, text, quick_gelu(name, config.weights))
    if load and config.weights is not None:
        state, source = clip_state(name, config.weights, "text", TEXT_SETTING)
        load_exactly(model, _shortened(state, config.context, source), source)
    return ProjectedText(model, width, embed)


def _shortened(state: State, context: int, source: Source) -> State:
    """Leave out the positions that no text reaches; what is read of the others stays the same."""
    positions = state.get("positional_embedding")
    if positions is None:
        return state
    if len(positions) < context:
        raise ConfigError(
            f"model.text.context = {context}: {str(source.path)!r} knows {len(positions)} "
            f"positions; give '--set model.text.context={len(positions)}'"
        )
    return {**state, "positional_embedding": positions[:context]}
