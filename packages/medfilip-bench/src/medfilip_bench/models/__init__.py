"""Models: what the benchmark asks of one, and from where one is loaded."""
