"""The texts of subjects, which the processes of two releases exchange through the table of revocations."""

from django.contrib.auth import get_user_model

from channels_live.revocation import session_subject, user_subject


def test_text_of_a_session_is_unchanged():
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert session_subject("abc") == f"session:{digest}"


def test_text_of_a_user_is_unchanged():
    digest = "c35f8bab73aa151d6799fcbcdb104ee18619a83a3b0ee940a6c654bc26b34fa2"
    assert user_subject(get_user_model()(pk=7, password="pbkdf2_sha256$1$salt$hash")) == f"user:7:{digest}"
