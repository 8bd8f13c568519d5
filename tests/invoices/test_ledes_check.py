"""``ledes_check`` tells every finding and exits accordingly."""

import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

SAMPLES = Path(__file__).parent.parent / "data/ledes"
GOOD, BAD = "two_invoices_1998b.txt", "many_faults_1998b.txt"


def run(capsys, name, **options):
    with pytest.raises(SystemExit) as ended:
        call_command("ledes_check", SAMPLES / name, **options)
    return ended.value.code, capsys.readouterr().out


def test_a_good_file_is_ok(capsys):
    code, said = run(capsys, GOOD)

    assert code == 0
    assert said.strip().endswith("ok")


def test_a_bad_file_has_its_findings_told_with_their_places(capsys):
    code, said = run(capsys, BAD, json=True)

    told = json.loads(said)
    assert (code, told["ok"]) == (1, False)
    assert all(finding["rule"] and finding["text"] for finding in told["findings"])


def test_a_file_that_is_not_there_is_a_plain_message():
    with pytest.raises(CommandError, match="No such file"):
        call_command("ledes_check", SAMPLES / "nothing.txt")


def test_too_many_adjustments_are_told_without_speaking_of_a_carrier(capsys, tmp_path):
    _, line, *_ = (SAMPLES / GOOD).read_text().splitlines()[1:]
    columns = line.split("|")
    columns[9], columns[11] = "IF", "0"
    file = tmp_path / "two.txt"
    rows = ["|".join([*columns[:8], str(number), *columns[9:]]) for number in (101, 102)]
    file.write_text("\n".join([*(SAMPLES / GOOD).read_text().splitlines(), *rows]) + "\n")

    _code, said = run(capsys, file)

    assert "Of IF lines an invoice has 1 at most; this is one more." in said
    assert "carrier" not in said
