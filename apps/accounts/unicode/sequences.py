"""Where characters without an appearance of their own are needed: in emoji, and in writing that joins its letters."""

import re
import unicodedata

from accounts.unicode import is_unseen, scripts_of

ZWNJ, ZWJ = "\u200c", "\u200d"
# UTS #51: the flags of England, Scotland and Wales, and the keys of a telephone.
TAGGED_FLAG = re.compile("\U0001f3f4[\U000e0020-\U000e007e]+\U000e007f")
KEYCAP = re.compile("[0-9*#]\ufe0f?\u20e3")
TEXT_OR_EMOJI = "\ufe0e\ufe0f"
# What these may follow: symbols, and punctuation such as ‼.
SYMBOLS = {"So", "Sm", "Po", "Pd"}
# Scripts in which a joiner changes what is seen: they are cursive, or make ligatures with a virama.
JOINING_SCRIPTS = {
    *("Adlm", "Arab", "Mand", "Mong", "Nkoo", "Rohg", "Syrc"),
    *("Bali", "Beng", "Cakm", "Deva", "Gujr", "Guru", "Java", "Khmr", "Knda", "Mlym", "Mymr"),
    *("Newa", "Orya", "Sinh", "Sund", "Taml", "Telu", "Tibt", "Tirh"),
}


def has_hidden_characters(text: str) -> bool:
    """Whether there are characters in it that cannot be seen and that do nothing for those beside them.

    Spaces are none of them; unassigned and private characters are.
    """
    text = KEYCAP.sub("0", TAGGED_FLAG.sub("\U0001f3f4", text))
    around = zip(["", *text], text, [*text[1:], ""], strict=False)
    return any(
        character != " "
        and (unicodedata.category(character)[0] == "C" or is_unseen(character))
        and not _is_needed(before, character, after)
        for before, character, after in around
    )


def _is_needed(before: str, character: str, after: str) -> bool:
    if not before:
        return False
    scripts = scripts_of(before) or set()
    is_letter = unicodedata.category(before)[0] in "LM"
    if character == ZWNJ:
        return is_letter and bool(scripts & JOINING_SCRIPTS) and after != "" and unicodedata.category(after)[0] in "LM"
    if character == ZWJ:
        # The skin's colours are Sk.
        is_emoji = unicodedata.category(before) in {"So", "Sk"} or before in TEXT_OR_EMOJI
        return (is_emoji and after != "" and unicodedata.category(after) == "So") or (
            is_letter and bool(scripts & JOINING_SCRIPTS)
        )
    if character in TEXT_OR_EMOJI:
        return unicodedata.category(before) in SYMBOLS
    if "\u180b" <= character <= "\u180f" and character != "\u180e":
        return "Mong" in scripts
    # Variants of a Chinese character, as in the names 葛󠄀 and 辻󠄀.
    if "\ufe00" <= character <= "\ufe02" or "\U000e0100" <= character <= "\U000e01ef":
        return "Hani" in scripts
    return False
