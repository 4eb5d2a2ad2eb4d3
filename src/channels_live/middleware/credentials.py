"""Credentials beside Django's sessions, such as API tokens: backends of the project, injected by a setting."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from channels_live.conf import live_settings
from channels_live.observability.request_id import header


class Identity(NamedTuple):
    """A user, and the subjects with whose revocation the socket ends (see channels_live.revocation)."""

    user: AbstractBaseUser
    subjects: tuple[str, ...] = ()


class CredentialBackend(Protocol):
    """One kind of credential. ``name`` stands in the log line of a refused handshake.

    The first backend of ``CHANNELS_LIVE["CREDENTIALS"]`` that finds its credential in a handshake decides: neither
    the others nor the session are asked then.
    """

    name: str

    def find(self, scope: Mapping[str, Any]) -> str | None:
        """Return the credential that the handshake presents; None where it presents none of this kind.

        It runs on the event loop: read headers (see ``header``) or the query string, and never block.
        """

    def authenticate(self, credential: str) -> Identity | None:
        """Return whose credential it is; None where it is invalid, and the handshake is answered with 401.

        It runs in the authentication thread and may block. What it raises of django.db.Error closes the socket with
        1013; after a broken connection to the database it is called a second time.
        """


def presents_credential(scope: Mapping[str, Any]) -> bool:
    """Whether a request has an ``Authorization: Bearer``, or what a backend of ``CHANNELS_LIVE["CREDENTIALS"]`` finds.

    The authentication middleware verifies it. Raises ImproperlyConfigured as load_credentials does.
    """
    if (header(scope, b"authorization") or "").lower().startswith("bearer "):
        return True
    return any(backend.find(scope) is not None for backend in load_credentials())


def load_credentials() -> list[CredentialBackend]:
    """Return the backends of ``CHANNELS_LIVE["CREDENTIALS"]``, dotted paths of classes; none by default.

    Raises ImproperlyConfigured where one cannot be imported.
    """
    try:
        return [import_string(path)() for path in live_settings.CREDENTIALS]
    except ImportError as error:
        raise ImproperlyConfigured(f'CHANNELS_LIVE["CREDENTIALS"]: {error}.') from error
