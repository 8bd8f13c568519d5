"""The house inspects its own code: sizes, names, settings, templates, words."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps

from billing_portal.errors import Refused

ROOT = Path(__file__).resolve().parent.parent.parent
ROOMS = ["billing_portal", "ledger", "customers", "invoices", "dunning"]
CODE = sorted(
    file for room in ROOMS for file in (ROOT / room).rglob("*.py") if "migrations" not in file.parts
)
LONGEST_MODULE = 400
LONGEST_FUNCTION = 50
# Exceptions shrink only: each names its reason, and fails here once it is no longer needed.
LONG_MODULES: dict[str, str] = {}
LONG_FUNCTIONS = {
    "billing_portal/portal/gallery_review.py:context": "a table of sample values",
}
FORBIDDEN_NAMES = {"utils", "helpers", "services", "common", "managers", "signals", "misc"}
OURS = ["tenancy", "members", "directories", "audit", "jobs", "outbox", "api", *ROOMS[1:]]


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _too_long_functions(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if (node.end_lineno or first) - first + 1 > LONGEST_FUNCTION:
                found.add(f"{_name(file)}:{node.name}")
    return found


def test_modules_stay_within_400_lines():
    long = {_name(file) for file in CODE if file.read_text().count("\n") > LONGEST_MODULE}

    assert long == set(LONG_MODULES)


def test_functions_stay_within_50_lines():
    long = set().union(*(_too_long_functions(file) for file in CODE))

    assert long == set(LONG_FUNCTIONS)


def test_names_say_what_lives_behind_them():
    assert [_name(file) for file in CODE if file.stem in FORBIDDEN_NAMES] == []


def test_every_package_of_ours_says_what_it_is_for():
    silent = [
        _name(file)
        for room in ROOMS
        for file in [ROOT / room / "__init__.py", *(ROOT / room).glob("*/__init__.py")]
        if file.exists()
        and file.parent.name not in {"migrations", "management", "templatetags"}
        and not ast.get_docstring(ast.parse(file.read_text()))
    ]

    assert silent == []


def test_public_functions_and_classes_have_docstrings():
    silent = []
    for file in CODE:
        if file.name in {"apps.py", "__init__.py"}:
            continue
        for node in ast.parse(file.read_text()).body:
            if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name[0] == "_":
                continue
            if not ast.get_docstring(node):
                silent.append(f"{_name(file)}:{node.name}")

    assert silent == []


def test_every_setting_read_from_the_environment_is_explained():
    files = [ROOT / f"billing_portal/{name}.py" for name in ("settings", "registered")]
    settings = "".join(file.read_text() for file in files)
    read = set(re.findall(r'env\(\s*"([A-Z_]+)"', settings))
    explained = set(
        re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    )

    assert explained == read


def test_every_room_that_wants_something_of_the_clock_is_imported_by_the_supervisor():
    from billing_portal import settings as product  # the tests' own name none

    wanting = {f"{room}.jobs" for room in ROOMS if (ROOT / room / "jobs.py").exists()}

    assert set(product.JOB_MODULES) == wanting


def test_every_page_stands_in_a_frame():
    frames = {
        *("base.html", "portal/_document.html", "portal/sign_in_frame.html"),
        *("admin/base.html", "admin/search_form.html"),  # the latter a part by Django's own name
    }
    loose = []
    for file in (ROOT / "templates").rglob("*.html"):
        name = str(file.relative_to(ROOT / "templates"))
        is_part = any(part.startswith("_") for part in file.relative_to(ROOT).parts)
        is_own = name.startswith(("allauth/", "mail/", "documents/")) or name in frames
        if not is_part and not is_own and not file.read_text().startswith("{% extends"):
            loose.append(name)

    assert loose == []


def test_templates_carry_no_inline_script_or_style():
    inline = re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/json\")|<style|\sstyle=|\son[a-z]+=|hx-on|javascript:",
        re.IGNORECASE,
    )
    folders = ("mail", "email", "documents")
    found = [
        str(file)
        for file in (ROOT / "templates").rglob("*.html")
        if not any(part in folders for part in file.parts) and inline.search(file.read_text())
    ]

    assert found == []


def _models() -> list[str]:
    return [m.__name__ for label in OURS for m in apps.get_app_config(label).get_models()]


def _import_everything() -> None:
    for file in CODE:
        parts = file.relative_to(ROOT).with_suffix("").parts
        if parts[-1] not in {"wsgi", "__init__"}:
            import_module(".".join(parts))


def _codes(kind: type[Refused]) -> set[str]:
    here = {kind.code} if kind.__module__.split(".")[0] in ROOMS else set()
    return here.union(*(_codes(child) for child in kind.__subclasses__()))


@pytest.mark.parametrize("kind", ["models", "codes"])
def test_every_word_of_the_house_is_in_the_glossary(kind):
    glossary = (ROOT / "docs/glossary.md").read_text()
    _import_everything()
    words = _models() if kind == "models" else sorted(_codes(Refused))

    assert [word for word in words if f"`{word}`" not in glossary] == []


def test_the_readme_is_short_and_names_its_two_commands():
    readme = (ROOT / "README.md").read_text()

    assert readme.count("\n") <= 150
    assert "make demo" in readme
    assert "make test" in readme
