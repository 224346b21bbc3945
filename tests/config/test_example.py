"""config.example.yaml works as it is, against the sandbox."""

from pathlib import Path

import jsonschema
import pytest
import yaml

from alertbot.channels.directory import adapter_types
from alertbot.config.approvers import sections
from alertbot.config.channel import channel_of
from alertbot.config.reading import read, schema
from alertbot.config.root import Config, organisation_of
from alertbot.config.secrets import SANDBOX_SECRETS
from alertbot.config.starter import example
from alertbot.core.model import Audience
from alertbot.watch.reports import inlets

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"


@pytest.fixture(scope="module")
def settings_types() -> dict:
    return {name: adapter.settings_type for name, adapter in adapter_types().items()}


@pytest.fixture(scope="module")
def config(settings_types: dict) -> Config:
    return read(EXAMPLE, settings_types)


def test_it_is_what_init_ships() -> None:
    assert example() == EXAMPLE.read_text(encoding="utf-8")


def test_it_fits_the_schema(settings_types: dict) -> None:
    data = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    jsonschema.validate(data, schema(settings_types))


def test_it_stays_on_this_machine_and_needs_no_secret(config: Config) -> None:
    assert organisation_of(config).sandbox
    for settings in config.channels.values():
        assert settings.on_loopback()
        assert settings.missing_secrets() == []


def test_its_source_has_a_stand_in_for_its_secret(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ALERTBOT_ALERTMANAGER_SECRET", raising=False)
    assert config.sources["alertmanager"].key("alertmanager") == SANDBOX_SECRETS["secret"].encode()


def test_it_shows_every_audience_and_every_adapter_takes_it(config: Config) -> None:
    shown = {settings.audience for settings in config.channels.values()}
    assert shown == set(Audience) - {Audience.RELAY}  # that one is in a commented channel
    organisation = organisation_of(config)
    for name, settings in config.channels.items():
        adapter_type = adapter_types()[settings.type]
        targets = adapter_type.targets(settings)
        channel = channel_of(name, settings, adapter_type.spec, targets, organisation)
        assert adapter_type(channel, settings).channel.targets


def test_its_commented_lines_are_right_too(settings_types: dict, tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    sources = ("grafana", "uptime_kuma", "operator", "gatus", "checks", "samu")
    shown = ("elsewhere: {", "screen: {", *(f"{name}: {{" for name in sources))
    blocks = ("approvals_by:", "duty:", "serve:")
    opened, within = [], False
    for line in lines:
        bare = line.removeprefix("# ")
        within = line.startswith("#") and (within or bare.startswith(blocks))
        single = line.strip().removeprefix("# ").startswith(shown)
        opened.append(line.replace("# ", "", 1) if single or within else line)
    assert len([line for line in opened if line.strip().startswith(shown)]) == len(shown)
    path = tmp_path / "config.yaml"
    path.write_text("\n".join(opened), encoding="utf-8")
    config = read(path, settings_types)
    assert {"elsewhere", "screen"} <= set(config.channels)
    assert set(inlets(config.sources)) == {"alertmanager", *sources}
    assert config.approvals_by is not None
    assert [".".join(place) for place, _settings in sections(config)] == [
        "approvals_by.telegram",
        "approvals_by.mail",
    ]
    assert config.duty is not None
    assert [shift.person for shift in config.duty.shifts] == ["Camille", "Dominique"]
    assert config.serve.port == 8470


def test_it_goes_live_as_it_says(settings_types: dict, tmp_path: Path) -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    live = "\n".join(line for line in lines if "take this line out" not in line)
    live = live.replace("host: 127.0.0.1", "host: smtp.example.org").replace(
        "security: none", "security: tls"
    )
    path = tmp_path / "config.yaml"
    path.write_text(live, encoding="utf-8")
    config = read(path, settings_types)
    assert not organisation_of(config).sandbox
    assert config.channels["x_main"].missing_secrets()
