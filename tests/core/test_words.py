"""Every sentence of the program has its words in French, whole and in good typography."""

import ast
import importlib.util
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from string import Formatter
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message

from alertbot.core import words
from tests import program

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "alertbot"
NO_BREAK = "\u00a0"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_catalogue", ROOT / "docs" / "make_catalogue.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


make_catalogue = _script()
FILES = list(make_catalogue.catalogues())
FRENCH = next(path for path in FILES if path.parts[-3] == "fr")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return make_catalogue.template()


@pytest.fixture(scope="module", params=FILES, ids=lambda path: path.parts[-3])
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture(scope="module")
def catalogue(path: Path) -> Catalog:
    return make_catalogue.read(path)


def _pairs(catalogue: Catalog) -> Iterator[tuple[Message, str, str]]:
    """Each sentence with each of its translations; a plural of ours goes with the plurals of theirs."""
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        for place, string in enumerate(filter(None, strings)):
            yield message, ids[min(place, len(ids) - 1)], string


def _placeholders(sentence: str) -> set[tuple[str, str]]:
    """The names in braces with their formats; Jinja's `{% … %}` is no placeholder."""
    plain = re.sub(r"\{%.*?%\}", "", sentence)
    return {
        (name, form or "") for _text, name, form, _how in Formatter().parse(plain) if name is not None
    }


def test_every_sentence_has_words(catalogue: Catalog, template: Catalog) -> None:
    known = {message.id for message in catalogue if message.id}
    wanted = {message.id for message in template if message.id}
    assert known == wanted, "run `make words`"
    assert make_catalogue.untranslated(catalogue) == []


def test_placeholders_are_the_same(catalogue: Catalog) -> None:
    wrong = [
        (said, string)
        for _message, said, string in _pairs(catalogue)
        if _placeholders(said) != _placeholders(string)
    ]
    assert wrong == []


def test_commands_and_options_are_the_same(catalogue: Catalog) -> None:
    """What a reader is to type works as it stands."""
    typed = re.compile(r"--[a-z][a-z-]+|ALERTBOT_[A-Z]+|alertbot [a-z]+")
    wrong = [
        (said, string)
        for _message, said, string in _pairs(catalogue)
        if set(typed.findall(said)) != set(typed.findall(string))
    ]
    assert wrong == []


def test_edges_are_the_same(catalogue: Catalog) -> None:
    """A fragment that begins or ends with a blank is joined to another; a full stop ends a sentence."""
    blank = " \n"  # in French a mark of punctuation may follow a no-break space
    for _message, said, string in _pairs(catalogue):
        assert (said[0] in blank) == (string[0] in blank), string
        assert (said[-1] in blank) == (string[-1] in blank), string
        if " " in said:  # not an abbreviation
            assert said.endswith(".") == string.endswith("."), string


def test_the_program_reads_what_translators_wrote(path: Path, catalogue: Catalog) -> None:
    assert path.with_suffix(".mo").read_bytes() == make_catalogue.compiled(catalogue)


def test_renewing_changes_nothing(path: Path, catalogue: Catalog, template: Catalog) -> None:
    fresh = make_catalogue.renewed(make_catalogue.read(path), template)
    assert make_catalogue.text(fresh) == path.read_bytes(), "run `make words`"


def test_plural_forms() -> None:
    french = make_catalogue.read(FRENCH)
    assert french.num_plurals == 2
    assert french.plural_expr == "(n > 1)"


def test_french_typography() -> None:
    """A no-break space before : ; ! ? and inside « »; no English quotes."""
    place = r"\{\w+\}:(\{line\}|1): "  # file and line, as compilers write them
    key = r"(\{\w+\}_?(env|file)?|\w+_\w+): [A-Z]+"  # a line of the configuration
    code = re.compile(rf"{place}|{key}|`[^`]*`|\{{%.*?%\}}|\{{[^{{}}]*\}}")
    fault = re.compile(r" [:;?»%]| !(\s|$)|« |[“”]|[^\s!:;?][:;?!»](\s|$)")
    wrong = []
    for _message, _said, string in _pairs(make_catalogue.read(FRENCH)):
        bare = code.sub("x", string)
        if fault.search(bare) or bare.count("«") != bare.count("»"):
            wrong.append(string)
    assert wrong == []


def _sources() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_argument_is_a_plain_literal() -> None:
    """Anything else would never be found by translators."""
    wrong = []
    for file in _sources():
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            said = {"_": node.args[:1], "ngettext": node.args[:2]}.get(node.func.id, [])
            if not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in said):
                wrong.append(f"{file.relative_to(ROOT)}:{node.lineno}")
    assert wrong == []


FRENCH_SAID = [
    ("--help", "Usage : alertbot"),
    ("numbers --help", "Commandes"),
    ("--help", "Afficher cette aide et quitter."),
    ("discard --help", "[obligatoire]"),
    ("draft --help", "MODÈLE"),
    ("draft --help", "Exemple : alertbot draft"),
    ("people --help", "Inscrire une personne."),
    ("kinds", "À quoi il sert"),
    ("kinds status", "O obligatoire"),
    ("preview status", "Cette alerte"),
    ("status", "config.yaml n’existe pas. `alertbot init` en écrit un."),
    ("shout", "Il n’y a pas de commande « shout » (vouliez-vous dire show ?)."),
    ("preview statos", "vouliez-vous dire « status »"),
    ("discard", "ALERTE manque."),
    ("return BKRT-1", "L’option --reason manque."),
    ("draft status --sett a=1", "Il n’y a pas d’option --sett (vouliez-vous dire --set ?)."),
    ("draft --set", "L’option --set demande une valeur."),
    ("show --json=3", "L’option --json ne prend pas de valeur."),
    ("show a b", "Ceci est en trop : b."),
    ("deliveries --limit x", "--limit : « x » n’est pas un nombre entier."),
    ("deliveries --limit 0", "--limit : 0 est hors de l’intervalle"),
    ("people", "Usage : alertbot people"),
]
ENGLISH_SAID = [
    ("--help", "Show this message and exit."),
    ("discard --help", "[required]"),
    ("shout", "There is no command 'shout' (did you mean show?)."),
    ("draft status --sett a=1", "There is no option --sett (did you mean --set?)."),
]
Spoken = Callable[[str], str]  # arguments in one line to what a person reads, on both streams


def _spoken(language: str, cases: list[tuple[str, str]], folder: Path) -> Spoken:
    """The program was started in this language once, and asked all of this."""
    lines = sorted({line for line, _words in cases})
    commands = [line.split() for line in lines]
    told = program.answers(commands, folder, LANGUAGE=language, COLUMNS="250")
    said = {line: one.out + one.err for line, one in zip(lines, told, strict=True)}
    return lambda line: said[line].replace(NO_BREAK, " ")


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    return _spoken("fr", FRENCH_SAID, tmp_path_factory.mktemp("french"))


@pytest.fixture(scope="module")
def english(tmp_path_factory: pytest.TempPathFactory) -> Spoken:
    return _spoken("en", ENGLISH_SAID, tmp_path_factory.mktemp("english"))


@pytest.mark.parametrize(("arguments", "words"), FRENCH_SAID)
def test_the_command_line_speaks_french(arguments: str, words: str, french: Spoken) -> None:
    assert words in french(arguments)


@pytest.mark.parametrize(("arguments", "words"), ENGLISH_SAID)
def test_without_a_catalogue_it_speaks_english(arguments: str, words: str, english: Spoken) -> None:
    assert words in english(arguments)


def test_a_program_of_its_own_says_the_same(french: Spoken, tmp_path: Path) -> None:
    answer = program.started("discard", folder=tmp_path, LANGUAGE="fr", COLUMNS="250")
    assert (answer.out + answer.err).replace(NO_BREAK, " ") == french("discard")


# --- little words before a value ------------------------------------------------------------------

TOKEN = "New token for {name}, shown only this once; the old one no longer works:"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Camille", "de Camille"),
        ("Élodie", "d’Élodie"),
        ("ada", "d’ada"),
        ("Hugo", "d’Hugo"),
        ("Haute-Savoie", "de Haute-Savoie"),
        ("Yvonne", "d’Yvonne"),
        ("Yann", "de Yann"),
        ("Œuvre", "d’Œuvre"),
        ("11 h", "de 11 h"),
        ("onze", "de onze"),
        ("https://desk.example.org", "de https://desk.example.org"),
        ("", "de "),
    ],
)
def test_french_shortens_a_little_word_before_a_vowel(name: str, said: str) -> None:
    """It wrote "Nouveau jeton de Élodie"."""
    with words.spoken("fr"):
        assert f"jeton {said}, montré" in words._(TOKEN).format(name=name)
    with words.spoken("en"):
        assert f"token for {name}, shown" in words._(TOKEN).format(name=name)


def test_who_decided_is_shortened_too() -> None:
    with words.spoken("fr"):
        said = words._("what {name} decided alone has lapsed")
        assert "que {name}" in said
        assert said.format(name="Inès").startswith("ce qu’Inès a décidé seul")


@pytest.mark.parametrize("name", ["Élodie", "Camille"])
def test_what_was_stored_in_french_is_told_again(name: str) -> None:
    with words.spoken("fr"):
        stored = words._(TOKEN).format(name=name)
        assert words.retold(stored) == stored
    with words.spoken("en"):
        english = words.retold(stored)
        assert english == TOKEN.format(name=name)
    with words.spoken("fr"):
        assert words.retold(english) == stored
