"""Write apps/accounts/unicode: properties of characters from UTS #39 and UAX #44, read from ICU.

``make unicode`` runs it with PyICU in a virtual environment of its own, so that no service needs ICU (64 MiB) at run
time. Smaller packages with these data are of an old Unicode version.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import icu

FOLDER = Path(__file__).resolve().parents[1] / "apps/accounts/unicode"
# UTS #39, table 1: the types of characters in use today. Limited_Use has the scripts of small communities.
ID_TYPES = ("Recommended", "Inclusion", "Limited_Use", "Uncommon_Use")
# UTS #39, section 5.1: scripts that are written together.
TOGETHER = {"Hani": "Hanb Jpan Kore", "Hira": "Jpan", "Kana": "Jpan", "Hang": "Kore", "Bopo": "Hanb"}
SURROGATES = range(0xD800, 0xE000)
CODE_POINTS = [number for number in range(0x110000) if number not in SURROGATES]


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    ignorable = icu.UnicodeSet("[:Default_Ignorable_Code_Point:]")
    _write("default_ignorable", (f"{first:04X} {last:04X}" for first, last, _ in _runs(_of(ignorable))))
    allowed = icu.UnicodeSet("".join(f"[:Identifier_Type={name}:]" for name in ID_TYPES).join("[]"))
    scripts = {number: _scripts(number) for number in _of(allowed)}
    _write("identifiers", (f"{first:04X} {last:04X} {names}" for first, last, names in _runs(scripts)))
    _write("confusables", _confusables())


def _of(characters: Iterable[str]) -> dict[int, str]:
    return {ord(character): "" for character in characters if len(character) == 1}


def _scripts(number: int) -> str:
    """Return the augmented script set of a character (UTS #39, section 5.1); ``*`` for all scripts."""
    names = {icu.Script(code).getShortName() for code in icu.Script.getScriptExtensions(chr(number))}
    if names & {"Zyyy", "Zinh"}:
        return "*"
    return " ".join(sorted({*names, *(other for name in names for other in TOGETHER.get(name, "").split())}))


def _confusables() -> Iterator[str]:
    """Yield each character whose prototype is another one. Readers of the table do the other steps of the skeleton."""
    checker, nfd = icu.SpoofChecker(), icu.Normalizer2.getNFDInstance()
    for number in CODE_POINTS:
        character = chr(number)
        if icu.Char.hasBinaryProperty(character, icu.UProperty.DEFAULT_IGNORABLE_CODE_POINT):
            continue
        if nfd.normalize(character) == character:
            prototype = checker.getSkeleton(0, character)
            if prototype != character:
                yield f"{number:04X} {' '.join(f'{ord(other):04X}' for other in prototype)}"


def _runs(values: dict[int, str]) -> Iterator[tuple[int, int, str]]:
    """Yield first, last and value of each run of adjacent code points with the same value."""
    first = last = None
    for number in sorted(values):
        if last is not None and number == last + 1 and values[number] == values[last]:
            last = number
            continue
        if first is not None and last is not None:
            yield first, last, values[first]
        first = last = number
    if first is not None and last is not None:
        yield first, last, values[first]


def _write(name: str, lines: Iterable[str]) -> None:
    head = (
        f"# Unicode {icu.UNICODE_VERSION}, from ICU {icu.ICU_VERSION} by `make unicode`. © Unicode, Inc.; Unicode-3.0\n"
    )
    (FOLDER / f"{name}.txt").write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    print(FOLDER / f"{name}.txt", file=sys.stderr)


if __name__ == "__main__":
    main()
