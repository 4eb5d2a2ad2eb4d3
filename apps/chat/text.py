"""Texts as they are stored and passed on: one form for each, and nothing that acts on what stands beside it."""

import re
import unicodedata

from accounts.unicode import is_unseen

# All control characters (Unicode's Cc) but tab and newline.
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# UAX #15, section 13: no writing system needs more of them on one letter. Putting a run of thousands in order, as NFC
# does, takes quadratic time: 4,000 of them 60 ms.
MAX_MARKS = 30
# In the combining classes of a text, a byte each; those of marks are 1 to 240.
PILED_MARKS = re.compile(rb"[^\0]{%d,}" % (MAX_MARKS + 1))
# UAX #9, section 2: embeddings and overrides end with PDF, isolates with PDI, and all of them with their paragraph.
PDF, PDI = "\u202c", "\u2069"
CLOSED_BY = {**dict.fromkeys("\u202a\u202b\u202d\u202e", PDF), **dict.fromkeys("\u2066\u2067\u2068", PDI)}
BIDI_CONTROL = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Deeper ones have no effect (UAX #9, BD2).
MAX_DEPTH = 125


def clean(text: str) -> str:
    """Return a text in Unicode's NFC, without control characters but tab and newline, its bidi controls closed.

    Where a program shows it as plain text, what stands beside it is not turned.
    """
    text = CONTROLS.sub("", text)
    if not text.isascii():
        if not unicodedata.is_normalized("NFC", text):
            text = unicodedata.normalize("NFC", _without_piled_marks(text))
        if BIDI_CONTROL.search(text):
            text = "\n".join(_with_closed_controls(line) for line in text.split("\n"))
    return text


def is_empty(text: str) -> bool:
    """Whether there is nothing in it to be seen."""
    return all(is_unseen(character) for character in text)


def _without_piled_marks(text: str) -> str:
    # Of 64 KiB, a loop over the characters would take 30 ms.
    classes = bytes(map(unicodedata.combining, text))
    kept, end = [], 0
    for run in PILED_MARKS.finditer(classes):
        kept.append(text[end : run.start() + MAX_MARKS])
        end = run.end()
    return "".join([*kept, text[end:]])


def _with_closed_controls(line: str) -> str:
    """Close the controls that are open at the end of a line, and leave out those that close nothing."""
    kept: list[str] = []
    open_until: list[str] = []
    for character in line:
        if character in CLOSED_BY:
            if len(open_until) == MAX_DEPTH:
                continue
            open_until.append(CLOSED_BY[character])
        elif character == PDI:
            if PDI not in open_until:
                continue
            # It ends the embeddings inside its isolate too.
            while open_until.pop() != PDI:
                pass
        elif character == PDF:
            if not open_until or open_until[-1] != PDF:
                continue
            open_until.pop()
        kept.append(character)
    return "".join([*kept, *reversed(open_until)])
