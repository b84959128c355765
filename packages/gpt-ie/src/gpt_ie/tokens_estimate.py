"""How many tokens a text has, roughly and without a tokenizer. Pure."""

# English prose has about four characters a token with the usual vocabularies. Measurements and
# abbreviations have fewer, so a report may take a fifth more than this says.
CHARACTERS_PER_TOKEN = 4


def estimate_tokens(text: str) -> int:
    """Characters divided by four, rounded up.

    Args:
        text: Any text.

    Returns:
        The estimate; 0 for no text.
    """
    return -(-len(text) // CHARACTERS_PER_TOKEN)
