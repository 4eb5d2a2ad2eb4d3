"""Which characters look like others, or like nothing: UTS #39, Unicode Security Mechanisms.

The tables beside this file are written by ``make unicode`` (deploy/unicode_tables.py). They are read when a name with
other characters than ASCII comes, since most processes of ws never see one.
"""

import functools
import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path

FOLDER = Path(__file__).parent
# The spaces, controls and format characters.
UNSEEN = {"Zs", "Zl", "Zp", "Cc", "Cf"}
# Characters that are drawn as an empty area, though no property says it: braille without dots, a note without a head,
# two hieroglyphs' blanks.
BLANKS = "\u2800\U0001d159\U00013441\U00013442"
# Scripts which Latin may be mixed with, and with each other: Chinese, Japanese, Korean (UTS #39, section 5.2).
MIXED_WITH_LATIN = {"Hanb", "Jpan", "Kore"}


def _lines(table: str) -> Iterator[list[str]]:
    for line in (FOLDER / f"{table}.txt").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            yield line.split()


def _ignorable() -> re.Pattern[str]:
    ranges = (f"{chr(int(first, 16))}-{chr(int(last, 16))}" for first, last in _lines("default_ignorable"))
    return re.compile(f"[{''.join(ranges)}]")


# Characters that have no appearance of their own (UAX #44): joiners, fillers, variation selectors, tags and others.
DEFAULT_IGNORABLE = _ignorable()


def is_unseen(character: str) -> bool:
    """Whether a character is drawn as nothing, or as an empty area."""
    return (
        unicodedata.category(character) in UNSEEN
        or character in BLANKS
        or DEFAULT_IGNORABLE.match(character) is not None
    )


def skeleton(text: str) -> str:
    """Return what is equal for texts that look alike in most fonts (UTS #39, section 4). Not for people to read."""
    prototypes = _prototypes()
    text = DEFAULT_IGNORABLE.sub("", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFD", "".join(prototypes.get(character, character) for character in text))


def scripts_of(character: str) -> set[str] | None:
    """Return the scripts that a character of identifiers is written in, by their four letters; ``{"*"}`` for all.

    None for a character that is not meant for identifiers (UTS #39, section 3.1): symbols, letters of dead scripts.
    """
    starts, ends, scripts = _identifiers()
    place = bisect_right(starts, ord(character)) - 1
    return scripts[place] if place >= 0 and ord(character) <= ends[place] else None


def is_of_one_script(text: str) -> bool:
    """Whether the letters and digits of a text are of one script, or of those that Chinese, Japanese and Korean mix.

    It is the restriction level "highly restrictive" of UTS #39, section 5.2, without its limit to identifiers' letters.
    """
    if text.isascii():
        return True
    sets = [found for character in text if (found := scripts_of(character)) and "*" not in found]
    others = [found for found in sets if "Latn" not in found]
    if sets and not _common(sets) and not (others and _common(others) & MIXED_WITH_LATIN):
        return False
    # Section 5.3. All decimal digits stand in a row from zero on.
    zeros = {ord(digit) - unicodedata.decimal(digit) for digit in text if unicodedata.category(digit) == "Nd"}
    return len(zeros) <= 1


def _common(sets: Sequence[set[str]]) -> set[str]:
    return sets[0].intersection(*sets[1:])


@functools.cache
def _prototypes() -> dict[str, str]:
    return {
        chr(int(character, 16)): "".join(chr(int(other, 16)) for other in prototype)
        for character, *prototype in _lines("confusables")
    }


@functools.cache
def _identifiers() -> tuple[list[int], list[int], list[set[str]]]:
    rows = list(_lines("identifiers"))
    return [int(row[0], 16) for row in rows], [int(row[1], 16) for row in rows], [set(row[2:]) for row in rows]
