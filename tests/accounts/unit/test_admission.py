import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import signing

from accounts.guests import COOKIE, identity_of
from accounts.models import User
from channels_live.server.capacity import Admission


class Socket:
    STATE_CONNECTING = 1

    def __init__(self, state: int = 1) -> None:
        self.state = state


def test_as_many_as_may_be_and_not_one_more():
    admission = Admission(most=2, most_of_user=0)
    first, second = Socket(), Socket()
    assert [admission.enter(socket) for socket in (first, second, Socket())] == [True, True, False]
    admission.leave(first)
    assert admission.enter(Socket())


def test_a_user_has_as_many_as_may_be_and_others_theirs():
    admission = Admission(most=10, most_of_user=2)
    sockets = [Socket() for _ in range(4)]
    for socket in sockets:
        admission.enter(socket)
    assert [admission.claim(socket, "alice") for socket in sockets[:3]] == [True, True, False]
    assert admission.claim(sockets[3], "bob")
    assert admission.user_of(sockets[0]) == "alice"
    admission.leave(sockets[2])  # was never counted as hers
    assert not admission.claim(sockets[2], "alice")
    admission.leave(sockets[0])
    late = Socket()
    admission.enter(late)
    assert admission.claim(late, "alice")


def test_0_is_no_limit_of_a_user():
    admission = Admission(most=100, most_of_user=0)
    sockets = [Socket() for _ in range(100)]
    assert all(admission.enter(socket) and admission.claim(socket, 7) for socket in sockets)


def test_one_that_has_gone_before_its_application_began_is_not_counted_for_ever():
    admission = Admission(most=1, most_of_user=1)
    gone = Socket(state=0)
    assert admission.enter(gone)
    assert admission.claim(gone, "alice")
    later = Socket()
    assert admission.enter(later)
    assert admission.claim(later, "alice")


def test_leaving_twice_takes_nobody_elses_place():
    admission = Admission(most=2, most_of_user=2)
    one, other = Socket(), Socket()
    for socket in (one, other):
        admission.enter(socket)
        admission.claim(socket, "alice")
    admission.leave(one)
    admission.leave(one)
    third, fourth = Socket(), Socket()
    assert admission.enter(third)
    assert admission.claim(third, "alice")
    assert not admission.enter(fourth)


def guest(name: str) -> dict:
    cookie = signing.get_cookie_signer(salt=COOKIE).sign(name)
    return {"user": AnonymousUser(), "cookies": {COOKIE: cookie}}


@pytest.mark.parametrize(
    ("scope", "identity"),
    [
        ({"user": User(pk=7, username="guest-k7m2xq"), "cookies": {}}, 7),
        (guest("guest-k7m2xq"), "k7m2xq"),
        (guest("hanako%23k7m2xq"), "k7m2xq"),
        ({"user": AnonymousUser(), "cookies": {}}, None),
        ({"user": AnonymousUser(), "cookies": {COOKIE: "guest-k7m2xq:made-up"}}, None),
    ],
    ids=["user", "guest", "guest who chose a name", "no cookie", "a cookie of one's own making"],
)
def test_who_opens_a_socket_is_the_same_under_any_name(scope, identity):
    assert identity_of(scope) == identity
