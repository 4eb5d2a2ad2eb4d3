"""Closes open sockets when what they were opened with is revoked: a session, a password, a token, a membership.

A *subject* is a text that names one such thing. A socket has the subjects that it was opened with; a request or a
command revokes a subject, and every process closes the sockets that have it within five seconds, also without Redis.

In a consumer or a middleware with credentials of its own it is one call, before the credential is checked::

    from channels_live.revocation import add_subjects

    add_subjects(self.scope, f"device:{device.pk}")

and one more where the credential ends, in the transaction that ends it::

    from channels_live.revocation import revoke

    revoke(f"device:{device.pk}")

Where revocations are stored is the setting ``CHANNELS_LIVE["REVOCATION_TABLE"]``, the dotted path of a class with the
methods of RevocationTable. Without it nothing is watched, and ``revoke`` raises ImproperlyConfigured.
"""

from typing import TYPE_CHECKING, Any

from channels_live.revocation.subjects import add_subjects, session_subject, user_subject
from channels_live.revocation.table import RevocationTable, revoke

if TYPE_CHECKING:
    from channels_live.revocation.watcher import Revocations, get_revocations

__all__ = [
    "RevocationTable",
    "Revocations",
    "add_subjects",
    "get_revocations",
    "revoke",
    "session_subject",
    "user_subject",
]


def __getattr__(name: str) -> Any:
    # Loaded when it is used: web revokes and does not watch, and must not register ws's metrics.
    if name in ("Revocations", "get_revocations"):
        from channels_live.revocation import watcher

        return getattr(watcher, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
