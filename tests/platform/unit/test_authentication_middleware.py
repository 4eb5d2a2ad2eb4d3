"""AuthenticationMiddleware: credential backends and guests."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels_live.middleware import AuthenticationMiddleware, Identity
from channels_live.middleware.credentials import load_credentials
from tests.support.handshakes import DeviceBackend, HandshakeServer, handshake, with_device


def test_no_backends_without_the_setting(settings):
    settings.CHANNELS_LIVE = {}
    assert load_credentials() == []


@pytest.mark.parametrize("path", ["no_such_module.Backend", "channels_live.middleware.NoSuchBackend", "Backend"])
def test_backend_that_cannot_be_imported_aborts_startup_with_one_sentence(settings, path):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"CREDENTIALS": [path]}
    with pytest.raises(ImproperlyConfigured, match=r'^CHANNELS_LIVE\["CREDENTIALS"\]: .+\.$'):
        AuthenticationMiddleware(None)


async def test_backend_sets_the_user_and_the_subjects_of_the_socket():
    result, socket = await handshake(with_device, query="device=known", server=HandshakeServer())
    assert result.username == "toaster"
    assert socket.subjects == ("device:7",)


async def test_invalid_credential_is_answered_401_also_where_guests_are_allowed(caplog):
    result, _ = await handshake(partial(with_device, allow_guests=True), query="device=unknown")
    assert result.scope is None
    assert result.sent[0]["status"] == 401
    assert "'credential': 'device'" in caplog.text


async def test_first_backend_that_finds_its_credential_decides():
    class Absent(DeviceBackend):
        def find(self, scope: Mapping[str, Any]) -> str | None:
            return None

    class Other(DeviceBackend):
        def authenticate(self, credential: str) -> Identity | None:
            raise AssertionError

    wrap = partial(AuthenticationMiddleware, credentials=[Absent(), DeviceBackend(), Other()])
    result, _ = await handshake(wrap, query="device=known")
    assert result.username == "toaster"


@pytest.mark.parametrize(("allow_guests", "codes"), [(True, []), (False, [4401])])
async def test_guests_are_accepted_or_closed_with_4401_by_the_setting(settings, allow_guests, codes):
    settings.CHANNELS_LIVE = settings.CHANNELS_LIVE | {"ALLOW_GUESTS": allow_guests}
    result, _ = await handshake(AuthenticationMiddleware)
    assert [message["code"] for message in result.sent if "code" in message] == codes
    assert (result.username == "") == allow_guests


async def test_each_guest_is_a_user_object_of_its_own():
    wrap = partial(AuthenticationMiddleware, allow_guests=True)
    alice, bob = [(result.scope or {})["user"] for result, _ in [await handshake(wrap), await handshake(wrap)]]
    alice.nickname = "alice"
    assert not hasattr(bob, "nickname")
