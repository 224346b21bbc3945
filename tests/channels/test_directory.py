"""Types of channel by entry points: ours, and other people's, broken or not."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from alertbot.channels import base
from alertbot.channels.directory import adapter_types, types_of
from alertbot.channels.memory import MemoryAdapter
from alertbot.core.errors import ConfigInvalid

GROUP = "alertbot.channels"


def test_every_shipped_type_is_there_with_its_spec() -> None:
    types = adapter_types()
    assert set(base.SHIPPED) <= set(types)
    for name, spec in base.SHIPPED.items():
        assert types[name].spec is spec
        assert issubclass(types[name].settings_type, object)


def test_a_type_is_loaded_when_it_is_asked_for() -> None:
    types = types_of((EntryPoint("nowhere", "no_such_module:Adapter", GROUP),))
    assert list(types) == ["nowhere"]
    assert "nowhere" in types
    assert len(types) == 1
    with pytest.raises(ConfigInvalid) as caught:
        types["nowhere"]
    assert "nowhere" in str(caught.value)
    assert "no_such_module" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_type_is_a_plain_key_error() -> None:
    with pytest.raises(KeyError):
        types_of(())["x"]


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("third_party_channel")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.mark.parametrize(
    ("attribute", "words"),
    [(42, "subclass"), (MemoryAdapter, "spec"), (type("NoAdapter", (), {}), "subclass")],
)
def test_what_is_no_channel_is_refused_with_a_sentence(
    third_party: ModuleType, attribute: object, words: str
) -> None:
    third_party.Adapter = attribute  # type: ignore[attr-defined]
    types = types_of((EntryPoint("theirs", "third_party_channel:Adapter", GROUP),))
    with pytest.raises(ConfigInvalid, match=words):
        types["theirs"]


def test_a_channel_of_another_package_works(third_party: ModuleType) -> None:
    from dataclasses import replace

    class Theirs(MemoryAdapter):
        spec = replace(base.MEMORY, type="theirs")

    third_party.Adapter = Theirs  # type: ignore[attr-defined]
    assert types_of((EntryPoint("theirs", "third_party_channel:Adapter", GROUP),))["theirs"] is Theirs


def test_importing_the_directory_imports_no_library() -> None:
    import subprocess

    code = (
        "import sys; from alertbot.channels.directory import adapter_types\n"
        "list(adapter_types().values())\n"
        "heavy = {'tweepy', 'oauthlib', 'telegram', 'apprise', 'aiosmtplib', 'requests', 'httpx'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
