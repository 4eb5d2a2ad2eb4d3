"""The user whom a session proves, on a socket."""

from typing import Any

from channels import auth
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model, load_backend
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.utils.crypto import constant_time_compare


class AuthMiddleware(auth.AuthMiddleware):
    """Like that of Channels, but a session survives the rotation of ``SECRET_KEY``.

    Channels 4.3 knows no ``SECRET_KEY_FALLBACKS`` here, and deletes a session that was made under an older key:
    one reconnect of an open page would log its user out. This one accepts the older keys, and changes nothing:
    web renews the session with the next page.
    """

    async def resolve_scope(self, scope: dict[str, Any]) -> None:
        scope["user"]._wrapped = await database_sync_to_async(user_of)(scope["session"])


def user_of(session: SessionBase) -> AbstractBaseUser | AnonymousUser:
    """Return the user whom the session proves, under the current or an older secret key, else AnonymousUser."""
    try:
        user_id = get_user_model()._meta.pk.to_python(session[SESSION_KEY])
        backend_path = session[BACKEND_SESSION_KEY]
        proof = session[HASH_SESSION_KEY]
    except KeyError:
        return AnonymousUser()
    if backend_path not in settings.AUTHENTICATION_BACKENDS:
        return AnonymousUser()
    user = load_backend(backend_path).get_user(user_id)
    if user is None:
        return AnonymousUser()
    proofs = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return user if any(constant_time_compare(proof, expected) for expected in proofs) else AnonymousUser()
