"""A recipe is followed only when it is sound, and every fault of it is told."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from invoices.gateways.carriers.base import Credentials, Evidence, EvidenceKind, UploadFile
from invoices.gateways.carriers.recipe import status_of
from invoices.gateways.carriers.recipe_check import BadRecipe, recipe_from

RECIPES = Path(__file__).parents[1] / "outside" / "carrier" / "recipes"
NAMES = ["northfield", "halvorsen", "brightwater"]


def described(name="northfield"):
    return json.loads((RECIPES / f"{name}.json").read_text("utf-8"))


def findings(data):
    with pytest.raises(BadRecipe) as bad:
        recipe_from(data)
    assert bad.value.code == "carrier.bad_recipe"
    return [(each.place, each.text) for each in bad.value.findings]


@pytest.mark.parametrize("name", NAMES)
def test_recipe_survives_the_way_to_json_and_back(name):
    recipe = recipe_from(described(name))

    assert recipe_from(json.loads(recipe.as_json())) == recipe


def test_recipe_maps_only_words_it_knows():
    recipe = recipe_from(described())

    assert status_of(recipe, "Accepted") == "RECEIVED"
    assert status_of(recipe, "Mislaid") == ""


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("format", 2, [("format", "must be 1")]),
        ("version", "1", [("version", "must be of type int")]),
        ("version", 0, [("version", "must be 1 or more")]),
        ("carrier", None, [("carrier", "must be of type str")]),
        ("colour", "red", [("colour", "is not known")]),
        ("timeout_ms", -1, [("timeout_ms", "must be a whole number")]),
        ("timeout_ms", 0, [("timeout_ms", "must be from 1 to 120000")]),
        ("also_allowed", "x", [("also_allowed", "must be a list of texts")]),
        ("signs", [], [("signs", "must be an object")]),
        ("signs", {"weather": []}, [("signs.weather", "is not known")]),
        ("signs", {"down": [{}]}, [("signs.down", "must be a list of selectors with texts")]),
        ("sign_in", [], [("sign_in", "must be a list of steps")]),
        ("sign_in", ["x"], [("sign_in[1]", "must be an object")]),
        ("sign_in", [{"path": "/"}], [("sign_in[1]", "does nothing")]),
        ("sign_in", [{"do": "dance"}], [("sign_in[1]", "nobody knows how to 'dance'")]),
        (
            "sign_in",
            [{"do": "fill"}],
            [
                ("sign_in[1]", "fill needs a selector"),
                ("sign_in[1]", "fill needs a value"),
            ],
        ),
        (
            "sign_in",
            [{"do": "click", "selector": 5}],
            [
                ("sign_in[1].selector", "is not known, or of the wrong type"),
            ],
        ),
        (
            "sign_in",
            [{"do": "click", "selector": "a", "speed": 1}],
            [
                ("sign_in[1].speed", "is not known, or of the wrong type"),
            ],
        ),
        (
            "sign_in",
            [{"do": "go_to", "path": "//elsewhere.test/"}],
            [
                ("sign_in[1]", "a path begins with one slash"),
            ],
        ),
        (
            "sign_in",
            [{"do": "go_to", "path": "https://elsewhere.test/"}],
            [
                ("sign_in[1]", "a path begins with one slash"),
            ],
        ),
        (
            "sign_in",
            [{"do": "go_to", "path": "/?p={password}"}],
            [
                ("sign_in[1].path", "{password} stands for nothing here"),
            ],
        ),
        (
            "sign_in",
            [{"do": "fill", "selector": "a", "value": "{user.__class__}"}],
            [
                ("sign_in[1].value", "{user.__class__} stands for nothing here"),
            ],
        ),
        (
            "sign_in",
            [{"do": "click", "selector": "a[x={file_name}]"}],
            [
                ("sign_in[1].selector", "{file_name} stands for nothing here"),
            ],
        ),
        (
            "sign_in",
            [{"do": "click", "selector": "a", "timeout_ms": 999999}],
            [
                ("sign_in[1]", "no step waits longer than 120000 ms"),
            ],
        ),
        (
            "sign_in",
            [{"do": "submit", "selector": "a"}],
            [
                ("upload", "must hold the only submit"),
            ],
        ),
        (
            "upload",
            [{"do": "attach", "selector": "a"}],
            [
                ("upload", "must hold the only submit"),
            ],
        ),
        (
            "upload",
            [{"do": "submit", "selector": "a"}],
            [
                ("upload", "must attach the file, once"),
            ],
        ),
        (
            "upload",
            [{"do": "submit", "selector": "a"}, {"do": "attach", "selector": "a"}],
            [
                ("upload", "must end with submit; what follows it is the answer"),
            ],
        ),
        (
            "answer",
            [{"do": "read", "name": "reference", "selector": "a", "pattern": "("}],
            [
                ("answer", "must read the status"),
                (
                    "answer[1]",
                    "the pattern is wrong: missing ), unterminated subpattern at position 0",
                ),
            ],
        ),
        (
            "answer",
            [{"do": "read", "name": "mood", "selector": "a", "pattern": "x"}],
            [
                ("answer", "must read the reference"),
                ("answer", "must read the status"),
                ("answer[1]", "'mood' is nothing that is read"),
                ("answer[1]", "a pattern has exactly one group"),
            ],
        ),
        ("look_up", {}, [("look_up", "must have steps, found, nothing and answer")]),
        ("statuses", {"Fine": "FINE"}, [("statuses.Fine", "'FINE' is no LEDES API status")]),
    ],
)
def test_recipe_tells_every_fault(key, value, expected):
    assert findings({**described(), key: value}) == expected


def test_recipe_with_too_many_steps_is_refused():
    long = [{"do": "click", "selector": "a"}] * 61

    assert ("steps", "must be 60 at most") in findings({**described(), "sign_in": long})


def test_credentials_show_no_password():
    assert "Copper" not in repr(Credentials("harrow.billing", "Copper-Lantern-41"))


def test_upload_file_refuses_bytes_that_were_not_approved():
    with pytest.raises(ValueError, match="do not have the hash that was approved"):
        UploadFile("a.txt", b"other", hashlib.sha256(b"approved").hexdigest())


def test_evidence_knows_its_hash():
    kept = Evidence(EvidenceKind.PAGE_TEXT, "result", b"seen", "answer[1]")

    assert kept.sha256 == hashlib.sha256(b"seen").hexdigest()
