import pytest

from chat.journal import journal
from chat.rooms import RoomNameConverter, is_clear


@pytest.mark.parametrize("name", ["a", "my-room", "A_1", "雑談", "ひろば", "สวัสดี", "नमस्ते", "x" * 64])
def test_letters_of_any_script_digits_hyphen_and_underscore_name_a_room(name):
    assert RoomNameConverter().to_python(name) == name


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "a.b", "a\n", "🙂", "½", "a\u200bb", "\u202eabc", "'; DROP"])
def test_anything_else_does_not(name):
    with pytest.raises(ValueError, match=r"^$"):
        RoomNameConverter().to_python(name)


def test_the_same_letters_are_the_same_room_however_they_are_encoded():
    assert RoomNameConverter().to_python("カ\u3099") == "ガ"


@pytest.mark.parametrize("name", ["a", "雑" * 64])
def test_group_names_suit_the_channel_layer(name):
    assert journal.group(name).isascii()
    assert len(journal.group(name)) < 100


def test_each_room_has_a_group_of_its_own():
    assert journal.group("a") != journal.group("A")


@pytest.mark.parametrize(
    "name", ["lobby", "A_1", "雑談", "ひろば-2", "東京_tokyo", "сад-garden", "नमस्ते", "สวัสดี", "ガッツ"]
)
def test_names_that_people_give_are_clear(name):
    assert is_clear(name)


@pytest.mark.parametrize(
    "name", ["lоbby", "lobby\u115f", "lobby\u3164", "\u1160", "lo\u034fbby", "葛\U000e0100", "a१"], ids=ascii
)
def test_names_that_pass_for_others_are_not(name):
    assert not is_clear(name)
