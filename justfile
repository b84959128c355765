# just fmt lint type test all

default: all

fmt:
    uv run ruff format .
    uv run ruff check --fix .

lint:
    uv run ruff format --check .
    uv run ruff check .
    uv run lint-imports

type:
    uv run basedpyright

test *args:
    uv run pytest {{args}}

# Write the hash-pinned, host-free export that CI compares with what resolves.
lock:
    uv lock
    uv export --quiet --all-packages --all-extras --no-emit-workspace --no-header --no-annotate --output-file requirements.lock

# Write the page of the dictionary, which a test compares with the data.
dictionary:
    uv run iki export --html --out docs/dictionary.html

# Write the page of ssm's public names, which a test compares with the source.
api:
    uv run python packages/ssm/docs/make_api.py

all: lint type test
