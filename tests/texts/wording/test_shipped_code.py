"""A wheel brings its templates compiled; whatever else there is, is compiled when it is used."""

import os
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from alertbot.config import yaml_reader
from alertbot.pages import frame
from alertbot.texts.kinds.kind_spec import Template
from alertbot.texts.kinds.layers import shipped
from alertbot.texts.wording import environment
from alertbot.texts.wording.render import TemplateBrokenError, TemplateText

ROOT = Path(__file__).parents[3]
NUMBER = re.compile(r"Digest: \w+|\d+")
SHIPPED_YAML = sorted(ROOT.joinpath("messages").rglob("*.yaml"))
PREVIEW = "from alertbot.__main__ import main; main()"
WRITE = (
    "from datetime import datetime, UTC; from alertbot.pages import html, rules_standing, views;"
    "site = views.PageSite('Zyx', 'https://example.org', ('en',), 'Europe/Paris');"
    "standing = rules_standing.standing([], datetime(2026, 1, 5, tzinfo=UTC), languages=('en',));"
    "print(html.pages(standing, site)['en/index.html'].decode())"
)
COUNTED = f"""
import sys
from jinja2 import Environment
real, names = Environment.compile, []
def compile(self, source, name=None, *given, **named):
    names.append(name)
    return real(self, source, name, *given, **named)
Environment.compile = compile
try:
    {PREVIEW}
finally:
    print("compiled:", *names, file=sys.stderr)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel of this tree is installed, without what it depends on."""
    wheels, target = tmp_path_factory.mktemp("wheels"), tmp_path_factory.mktemp("target")
    for command in (
        ["hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        ["pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(target)],
    ):
        more = list(map(str, wheels.glob("*.whl")))
        subprocess.run([sys.executable, "-m", *command, *more], cwd=ROOT, check=True)
    return target


def run(code: str, *arguments: str, package: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line of the alertbot that lies in `package`, called in `folder`."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith("ALERTBOT")}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environ | {"PYTHONPATH": str(package)},
        capture_output=True,
        text=True,
        check=True,
    )


@pytest.mark.thorough
def test_a_preview_from_a_wheel_compiles_nothing_and_says_the_same(
    installed: Path, tmp_path: Path
) -> None:
    code = COUNTED.replace("*names", "*names, *sys.modules.keys() & {'yaml'}")
    done = run(code, "preview", "status", package=installed, folder=tmp_path)
    assert done.stderr.split() == ["compiled:"]
    from_tree = run(COUNTED, "preview", "status", package=ROOT, folder=tmp_path)
    assert len(from_tree.stderr.split()) > 4
    assert "114 par SMS" in done.stdout
    assert NUMBER.sub("0", done.stdout) == NUMBER.sub("0", from_tree.stdout)  # but for the clock


def test_every_shipped_template_is_there(installed: Path) -> None:
    names = {path.stem for path in (installed / "alertbot/_shipped/templates").glob("t*.py")}
    texts = [*shipped().rglob("*.md.j2"), *frame.FOLDER.glob("*.j2")]
    assert names == {environment.code_name(path.read_bytes().decode("utf-8-sig")) for path in texts}
    assert len(names) > 30


def test_what_the_shipped_yaml_says_is_there(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        path: yaml_reader.parse_written(path.read_text("utf-8"), str(path)) for path in SHIPPED_YAML
    }
    assert len(files) > 40
    monkeypatch.setattr(yaml_reader, "SHIPPED", installed / "alertbot/_shipped/yaml")
    monkeypatch.setattr(yaml_reader, "library", None)  # only what lies there can be used
    for path, read in files.items():
        assert yaml_reader.packed(yaml_reader.read_written(path)) == yaml_reader.packed(read)


def test_yaml_that_was_changed_is_read_when_it_is_used(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_reader, "SHIPPED", installed / "alertbot/_shipped/yaml")
    changed = tmp_path / "card.yaml"
    text = (ROOT / "messages/card.yaml").read_text("utf-8")
    changed.write_text(f"{text}\nof_our_own: yes\n", encoding="utf-8")
    assert yaml_reader.read_written(changed).entries["of_our_own"].value == "yes"


def test_a_wheel_writes_the_public_page_and_compiles_nothing(installed: Path, tmp_path: Path) -> None:
    done = run(COUNTED.replace(PREVIEW, WRITE), package=installed, folder=tmp_path)
    assert done.stderr.split() == ["compiled:"]
    assert "No alert at present" in done.stdout


def test_a_template_of_ones_own_is_compiled(installed: Path, tmp_path: Path) -> None:
    run(PREVIEW, "init", "--defaults", package=installed, folder=tmp_path)
    own = tmp_path / "own" / "status" / "en"
    own.mkdir(parents=True)
    text = (shipped() / "status/en/short.md.j2").read_text("utf-8")
    (own / "short.md.j2").write_text(
        text.replace("In an emergency:", "If it is urgent:"), encoding="utf-8"
    )
    with (tmp_path / "config.yaml").open("a", encoding="utf-8") as config:
        config.write("\nmessages: own\n")
    done = run(COUNTED, "preview", "status", package=installed, folder=tmp_path)
    assert "If it is urgent:" in done.stdout
    assert [Path(name).parts[-3:] for name in done.stderr.split()[1:]] == [
        ("status", "en", "short.md.j2")
    ]


def test_another_jinja_finds_no_code_of_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    name = environment.code_name("Words")
    assert environment.code_name("Words.") != name
    monkeypatch.setattr(environment, "__version__", "3.99")
    assert environment.code_name("Words") != name


def test_a_fault_in_shipped_code_is_told_with_the_line_of_the_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "{% block lead %}A{% endblock %}\n\n{% block detail %}\n{{ missing }}\n{% endblock %}\n"
    package = tmp_path / "shipped_here" / "templates"
    package.mkdir(parents=True)
    (package / f"{environment.code_name(text)}.py").write_text(
        environment.code_of(text, "long.md.j2", environment.environment()), encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(environment, "CODE", "shipped_here.templates")
    monkeypatch.setattr(environment.Environment, "compile", None)  # only what lies there can be used
    zone = ZoneInfo("Europe/Paris")
    with pytest.raises(TemplateBrokenError, match=r"mine/long\.md\.j2:4: 'missing' is undefined"):
        TemplateText(
            Template(text, "mine/long.md.j2"),
            {},
            lang="en",
            zone=zone,
            issued=datetime(2026, 1, 5, 10, tzinfo=zone),
        ).piece("detail")
