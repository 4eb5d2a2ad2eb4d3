"""The Japanese catalogues against the texts that are marked in the code. Without gettext's system package."""

import ast
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import polib
import pytest
from django.utils import translation
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parents[2]
LITERAL = r"""u?(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")"""
MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
CATALOGUES = sorted(ROOT.glob("*/*/locale/ja/LC_MESSAGES/django.po"))
SOURCES = [
    path
    for folder in ("apps", "examples", "services", "src")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix == ".py" or "templates" in path.parts
    if path.is_file()
]


def marked(source: Path) -> set[str]:
    """Return the texts that a Python module or a template marks for translation, singular and plural."""
    text = source.read_text()
    if source.suffix != ".py":
        # What makemessages reads: calls of gettext, and rows of letters instead of the rest.
        calls = re.findall(rf"n?gettext\({LITERAL}(?:, {LITERAL})?", templatize(text))
        text = "\n".join(f"{call})" for call in calls)
    return set(_texts(ast.parse(text)))


def _texts(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKERS:
            for argument in node.args[: 2 if node.func.id.startswith("n") else 1]:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def source_of(catalogue: Path, reference: str) -> Path | None:
    """Return the file that a reference names: a path from the catalogue's app, or from any installed package."""
    own = catalogue.parents[3] / reference
    if own.exists():
        return own
    package, _, rest = reference.partition("/")
    spec = find_spec(package) if rest else None
    paths = [Path(folder) / rest for folder in (spec.submodule_search_locations or ())] if spec else []
    return next((path for path in paths if path.exists()), None)


def test_every_marked_text_has_a_japanese_translation():
    catalogues = {catalogue.parents[3]: polib.pofile(str(catalogue)) for catalogue in CATALOGUES}
    missing = []
    with translation.override("ja"):
        for source in SOURCES:
            # The examples' catalogues are loaded when they are copied into apps.
            own = next((entries for app, entries in catalogues.items() if app in source.parents), [])
            known = {text for entry in own if entry.translated() for text in (entry.msgid, entry.msgid_plural)}
            missing += [
                f"{source.relative_to(ROOT)}: {text}"
                for text in sorted(marked(source) - known)
                if translation.gettext(text) == text and translation.ngettext(text, text, 1) == text
            ]
    assert missing == []


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parents[3].name)
def test_a_catalogue_has_no_fuzzy_untranslated_or_stale_text(catalogue):
    entries = polib.pofile(str(catalogue), check_for_duplicates=True)
    assert [entry.msgid for entry in entries if entry.obsolete or not entry.translated()] == []
    stale = [
        f"{reference}: {entry.msgid}"
        for entry in entries
        for reference in [name for name, _ in entry.occurrences] or [""]
        if not (source := source_of(catalogue, reference)) or entry.msgid not in marked(source)
    ]
    assert stale == []


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.parents[3].name)
def test_a_translation_has_the_placeholders_of_its_text(catalogue):
    def placeholders(text: str) -> set[str]:
        return set(re.findall(r"%\(\w+\)[sd]|%[sd]|\{\w*\}", text))

    for entry in polib.pofile(str(catalogue)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            assert not text or placeholders(text) == placeholders(entry.msgid), entry.msgid
