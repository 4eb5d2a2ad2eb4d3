import unicodedata

import pytest

from channels_live.journal import InvalidInput
from chat.protocol import check_text
from chat.text import MAX_DEPTH, MAX_MARKS, PDF, PDI, clean

RLO, LRE, RLI, FSI = "\u202e", "\u202a", "\u2067", "\u2068"


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "two\nlines\tand a tab",
        "雑談",
        "👩‍👩‍👧‍👦",
        "میخواهم‌ها",
        "שלום abc",
        "a\u200eb",
        "\u2028",
        "\ufdd0",
        "  x  ",
    ],
    ids=ascii,
)
def test_what_people_write_stays_as_it_is(text):
    assert clean(text) == text


def test_texts_that_look_the_same_are_the_same():
    assert clean("カ\u3099") == "ガ"
    assert clean("e\u0301") == "é"
    assert clean("q\u0307\u0323") == clean("q\u0323\u0307")


def test_control_characters_are_left_out_but_tab_and_newline():
    controls = "".join(chr(number) for number in range(0x110000) if unicodedata.category(chr(number)) == "Cc")
    assert clean(f"a{controls}b") == "a\t\nb"
    assert clean("a\r\nb") == "a\nb"
    assert clean("a\x1b[31mb") == "a[31mb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"a{RLO}b", f"a{RLO}b{PDF}"),
        (f"a{RLI}b", f"a{RLI}b{PDI}"),
        (f"{RLI}{LRE}b", f"{RLI}{LRE}b{PDF}{PDI}"),
        (f"{RLO}evil{PDF} good", f"{RLO}evil{PDF} good"),
        (f"a{PDF}{PDI}b", "ab"),
        (f"{LRE}{RLI}a{PDF}b{PDI}{PDF}", f"{LRE}{RLI}ab{PDI}{PDF}"),
        (f"{RLI}{LRE}a{PDI}b{PDF}", f"{RLI}{LRE}a{PDI}b"),
        (f"{RLO}one\ntwo{PDF}", f"{RLO}one{PDF}\ntwo"),
        (f"{FSI}{PDI}{PDI}", f"{FSI}{PDI}"),
    ],
    ids=ascii,
)
def test_what_turns_the_direction_ends_with_its_line(text, expected):
    assert clean(text) == expected


def test_controls_beyond_the_depth_that_has_an_effect_are_left_out():
    assert clean(RLO * 4000 + "a") == RLO * MAX_DEPTH + "a" + PDF * MAX_DEPTH


@pytest.mark.parametrize(
    "text",
    ["カ\u3099", "\0\r\n", f"{RLO}{RLI}\n{PDI}", "q\u0307\u0323" + "\u0307\u0323" * 100, f"{PDF}e\u0301"],
    ids=ascii,
)
def test_a_clean_text_is_clean(text):
    assert clean(clean(text)) == clean(text)


def test_thousands_of_marks_in_disorder_are_cut():
    """Putting them all in order takes quadratic time."""
    assert len(clean("Z" + "\u0315\u0321" * 16_000)) == 1 + MAX_MARKS


def test_each_run_of_marks_is_cut_by_itself():
    run = "\u0315\u0321" * MAX_MARKS
    cut = "\u0321" * (MAX_MARKS // 2) + "\u0315" * (MAX_MARKS // 2)
    assert clean(f"q{run}q{run}q\u0301q{run}") == f"q{cut}q{cut}q\u0301q{cut}"


INVISIBLE = "\u115f\u1160\u3164\uffa0\u2800\u034f\ufe0f\U000e0100\u17b4\U0001d159\u2065"


@pytest.mark.parametrize(
    "text",
    ["", " \n\t", "\0\x07", "\u200b\ufeff", "\u3000", f"{RLO}{PDF}", "\u3164 \u2800\ufe0f", *INVISIBLE],
    ids=ascii,
)
def test_what_cannot_be_seen_is_no_message(text):
    with pytest.raises(InvalidInput) as refused:
        check_text(text)
    assert refused.value.code == "empty"


@pytest.mark.parametrize("text", ["👨‍👩‍👧", "❤️", "می‌خواهم", "क्‍ष", "葛\U000e0100", "\u3164x", "⠁", "."], ids=ascii)
def test_what_cannot_be_seen_stays_beside_what_can(text):
    assert check_text(text) == text


@pytest.mark.parametrize("text", ["か\u3099" * 4000, "x" * 4000 + "\0" * 10], ids=["composed", "controls"])
def test_the_length_is_that_of_what_is_stored(text):
    assert len(check_text(text)) == 4000
    with pytest.raises(InvalidInput) as refused:
        check_text(text + "x")
    assert refused.value.code == "too_long"


def test_what_closes_a_text_counts():
    assert len(check_text("x" * 3998 + RLO)) == 4000
    with pytest.raises(InvalidInput):
        check_text("x" * 3999 + RLO)
