"""``python -m medfilip_bench``, which ``accelerate launch -m`` starts."""

from medfilip_bench.cli import app

if __name__ == "__main__":
    app()
