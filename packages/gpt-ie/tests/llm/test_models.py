"""Model strings, keys and what counts as this machine."""

from pathlib import Path

import pytest
from gpt_ie.datause import is_local
from gpt_ie.llm.models import ModelError, api_key, parse_mode, parse_model
from gpt_ie.schema import EngineUnavailableError


@pytest.mark.parametrize(
    ("text", "base_url", "label", "name", "url"),
    [
        ("openai/gpt-x", None, "openai/gpt-x", "gpt-x", "https://api.openai.com/v1"),
        ("anthropic/c-1", None, "anthropic/c-1", "c-1", "https://api.anthropic.com/v1"),
        ("ollama/a/b:7b", None, "ollama/a/b:7b", "a/b:7b", "http://127.0.0.1:11434/v1"),
        ("a/b", "http://h:1/v1/", "a/b", "a/b", "http://h:1/v1"),
        ("openai/gpt-oss", "http://h/v1", "openai/gpt-oss", "openai/gpt-oss", "http://h/v1"),
        ("gguf:dir/m.Q4.gguf", None, "gguf:m.Q4", "m.Q4", None),
    ],
)
def test_forms(text, base_url, label, name, url):
    model = parse_model(text, base_url)
    assert (model.label, model.name, model.url) == (label, name, url)
    assert model.path == (Path("dir/m.Q4.gguf") if text.startswith("gguf") else None)


@pytest.mark.parametrize(
    ("text", "base_url", "said"),
    [
        ("opnai/gpt-x", None, "did you mean 'openai/gpt-x'"),
        ("gpt-4o", None, "did you mean 'openai/gpt-4o'"),
        ("claude-x", None, "did you mean 'anthropic/claude-x'"),
        ("openai", None, "which model of it"),
        ("olama/m", None, "'ollama/m'"),
        ("zzz/m", None, "unknown model 'zzz/m'"),
        ("", None, "no name"),
        ("gguf:", None, "needs a file"),
        ("gguf:x.gguf", "http://h/v1", "runs in this process"),
        ("m", "h:80/v1", "no address"),
        ("m", "ftp://h/v1", "no address"),
        ("m", "http://user:pass@h/v1", "no user, password"),
    ],
)
def test_what_names_nothing(text, base_url, said):
    with pytest.raises(ModelError, match=said):
        parse_model(text, base_url)


def test_a_password_is_not_repeated():
    with pytest.raises(ModelError) as caught:
        parse_model("m", "http://user:pass@h/v1")
    assert "pass@" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:80/v1", True), ("http://127.9.9.9", True), ("http://[::1]:1/v1", True),
        ("http://localhost:1", True), ("http://10.0.0.1", False), ("https://localhost.org", False),
        ("http://127.0.0.1.example.org", False), ("http://127.0.0.1@example.org", False),
        ("http://0.0.0.0:1", False), ("nonsense", False),
    ],
)  # fmt: skip
def test_loopback(url, local):
    assert is_local(url) is local


def test_keys():
    assert api_key(parse_model("openai/x"), {"OPENAI_API_KEY": " k "}) == "k"
    assert api_key(parse_model("ollama/x"), {"OPENAI_API_KEY": "k"}) == "none"
    other = parse_model("x", "http://h/v1")
    assert api_key(other, {"OPENAI_API_KEY": "k", "GPT_IE_API_KEY": "mine"}) == "mine"
    for text, variable in (("openai/x", "OPENAI_API_KEY"), ("anthropic/x", "ANTHROPIC_API_KEY")):
        with pytest.raises(EngineUnavailableError, match=variable):
            api_key(parse_model(text), {variable: " "})


def test_modes():
    assert parse_mode("tools") == "tools"
    with pytest.raises(ModelError, match="did you mean 'json_schema'"):
        parse_mode("jsonschema")
    assert parse_model("openai/x").default_mode == "tools"
    assert parse_model("x", "http://h/v1").default_mode == "json_schema"
    assert parse_model("openai/gpt-5-mini").reasons
    assert not parse_model("openai/gpt-5", "http://h/v1").reasons
