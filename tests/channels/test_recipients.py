"""Large lists of recipients: read row by row, kept small, each address once."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from alertbot.channels.email import recipients
from alertbot.core.errors import ConfigInvalid
from alertbot.core.model import Target
from alertbot.core.target_list import AddressSet, TargetList
from alertbot.texts.digest import digest_of

MANY = 3000


def written(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_an_address_in_two_files_and_the_configuration_gets_one_mail(tmp_path: Path) -> None:
    written(tmp_path / "mayors.csv", "address,lang,topics\nMaire@commune.example.fr,,mairie\n")
    written(
        tmp_path / "homes.CSV",
        "address;lang;topics\nmaire@COMMUNE.example.fr;en;ehpad\nb@example.org;;\n",
    )
    found = recipients.listed(["b@Example.org", "mayors.csv", "homes.CSV"], tmp_path)
    assert found == (
        Target("b@example.org"),
        Target("Maire@commune.example.fr", "en", ("mairie", "ehpad")),
    )


def test_who_is_critical_is_a_column(tmp_path: Path) -> None:
    file = written(
        tmp_path / "a.csv", "address,critical\na@example.org,oui\nb@example.org,no\nc@example.org\n"
    )
    assert [one.topics for one in recipients.read(file)] == [("critical",), (), ()]
    with pytest.raises(ConfigInvalid) as refused:
        recipients.read(written(file, "address,critical\na@example.org,perhaps\n"))
    assert "a.csv:2: “perhaps”" in str(refused.value.lines[0])


def test_wrong_rows_are_named_by_their_lines_and_the_rest_is_counted(tmp_path: Path) -> None:
    rows = "".join("not an address\n" for _number in range(recipients.MOST_FAULTS + 2))
    with pytest.raises(ConfigInvalid) as refused:
        recipients.read(written(tmp_path / "a.csv", f"address\na@example.org\n{rows}"))
    faults = [str(one) for one in refused.value.lines]
    assert len(faults) == recipients.MOST_FAULTS + 1
    assert "a.csv:3: " in faults[0]
    assert faults[-1] == "and 2 more rows are wrong"


def test_a_broken_line_in_the_middle_of_a_large_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    head = "address\n" + "".join(f"a{number}@example.org\n" for number in range(MANY))
    file.write_bytes(head.encode() + "é@example.org\n".encode("latin-1"))
    with pytest.raises(ConfigInvalid, match="not UTF-8"):
        recipients.read(file)


def test_many_are_kept_in_order_as_letters(tmp_path: Path) -> None:
    rows = [f"A{number}@example.org,{'en' if number % 3 else ''}\n" for number in range(MANY)]
    file = written(tmp_path / "a.csv", "address,lang\n" + "".join(rows) + "a7@example.org,fr\n")
    found = recipients.read(file)
    assert isinstance(found, TargetList)
    assert found == [
        Target(f"A{number}@example.org", "en" if number % 3 else None) for number in range(MANY)
    ]
    assert found[-1] == Target(f"A{MANY - 1}@example.org", "en" if (MANY - 1) % 3 else None)
    assert found[1:3] == (found[1], found[2])
    spoken = found.in_languages(("fr", "de"))
    assert {one.lang for one in spoken} == {"fr"}
    assert [one.address for one in spoken] == [one.address for one in found]
    assert found.in_languages(()) == ()


def test_the_language_of_one_listed_twice_is_the_first_that_is_given(tmp_path: Path) -> None:
    rows = "".join(f"a{number}@example.org,\n" for number in range(MANY))
    found = recipients.read(
        written(tmp_path / "a.csv", f"address,lang\n{rows}A5@example.org,fr\na5@EXAMPLE.org,en\n")
    )
    assert len(found) == MANY
    assert found[5] == Target("a5@example.org", "fr")


def test_a_set_of_addresses_knows_its_own() -> None:
    known = AddressSet(f"a{number}@example.org" for number in range(MANY))
    assert all(f"a{number}@example.org" in known for number in range(MANY))
    assert not any(f"b{number}@example.org" in known for number in range(MANY))


def test_the_digest_of_many_targets_is_that_of_one_text() -> None:
    """What was signed before lists were read in portions stays signed."""
    odd = ['b"c@example.org', "é\\@example.org", "a/b@example.org", "@chat", "-100"]
    targets = {
        "mail": TargetList(Target(f"a{n}@example.org", "fr" if n % 2 else None) for n in range(12_000)),
        "chats": tuple(Target(one, "fr") for one in odd),
        "none": (),
    }
    for some in (targets, {"none": ()}, {}):
        covered = {
            "format": 2, "kind": "status", "exercise": False, "messages": [], "retraction": [],
            "targets": {
                name: sorted(([one.address, one.lang] for one in group), key=lambda row: json.dumps(row, separators=(",", ":")))
                for name, group in some.items()
            },
        }  # fmt: skip
        whole = json.dumps(covered, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        assert digest_of("status", (), some, exercise=False) == sha256(whole.encode()).hexdigest()
