"""Which user names are accepted at sign-up and rename. Existing users keep names that would be refused today."""

import hashlib
import re
import unicodedata

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from accounts.unicode import is_of_one_script, is_unseen, scripts_of, skeleton

# How the names of guests begin, with the characters that look like its hyphen.
LIKE_A_GUEST = re.compile("[-_~.@+]*guest[-_~ー一]")


def validate_username(name: str) -> None:
    """Raise ValidationError, with a sentence for people, for a user name that deceives or is too like another user's.

    Django's own validator comes first: letters, digits and ``@.+-_``.
    """
    if any(is_unseen(character) for character in name):
        raise ValidationError(gettext("Names can’t contain invisible characters."))
    if is_like_a_guest(name):
        raise ValidationError(gettext("That form is reserved for guests. Choose another username."))
    for character in name:
        # "_" is no letter of identifiers to UTS #39.
        if not character.isascii() and scripts_of(character) is None:
            raise ValidationError(gettext("The character “%s” can’t be used in names.") % character)
    if not is_of_one_script(name):
        raise ValidationError(mixes_scripts())
    alike = get_user_model().objects.filter(skeleton=skeleton_digest(name))
    # The same name is refused with a sentence of Django's.
    if alike.exclude(username=name).exists():
        raise ValidationError(looks_taken())


def is_like_a_guest(name: str) -> bool:
    """Whether a name looks like the name of a guest, such as ``guest-k7m2xq``."""
    return LIKE_A_GUEST.match(skeleton(unicodedata.normalize("NFKC", name).casefold())) is not None


def skeleton_digest(name: str) -> str:
    """Return a SHA-256 in hexadecimal that is equal for two names that look alike or differ in case only."""
    # In this order: the skeleton of a capital I is that of a small l.
    return hashlib.sha256(skeleton(name).casefold().encode()).hexdigest()


def mixes_scripts() -> str:
    """The sentence for a name that mixes scripts."""
    return gettext("Names can’t mix letters or digits of different scripts, such as Latin and Cyrillic.")


def looks_taken() -> str:
    """The sentence for a name that is, or looks like, another user's."""
    return gettext("This name, or one that looks like it, is taken.")
