"""A language model as an engine: which one, how often, what it costs, and what it answers."""
