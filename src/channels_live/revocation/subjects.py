"""Subjects: texts that name what a socket was opened with, such as a session."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser


def session_subject(session_key: str) -> str:
    """Return the subject of a session. The key itself, which lets its bearer in, is not in it."""
    return f"session:{_digest(session_key)}"


def user_subject(user: "AbstractBaseUser") -> str:
    """Return the subject of a user with the present password; after a change of the password it is another one."""
    return f"user:{user.pk}:{_digest(user.password)}"


def add_subjects(scope: Mapping[str, Any], *subjects: str) -> None:
    """Have the socket of a scope closed when one of the subjects is revoked; a DirectConsumer can handle it otherwise.

    Call it before the credential is checked, so that no revocation falls between the check and the call. During the
    handshake the order does not matter: what is revoked from its beginning on counts. Under another server than that
    of channels_live, such as Channels' test tools, nothing is watched and the call does nothing.
    """
    if socket := scope.get("channels_live.socket"):
        socket.subjects = (*socket.subjects, *subjects)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
