"""What ``ENVIRONMENT=production`` refuses: insecure development defaults."""

from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured

# As Django's own check (security.W009): https://docs.djangoproject.com/en/stable/ref/checks/#security.
KEY_CHARS, KEY_DIFFERENT_CHARS = 50, 5
GENERATED_BY_STARTPROJECT = "django-insecure-"
# Prefix of the keys in this repository: in base.settings, and in the local overlay for Kubernetes.
PUBLIC_KEYS = "local-only-key-"


def refuse_local_settings(
    *,
    key: str,
    fallbacks: Sequence[str],
    debug: bool,
    allowed_hosts: Sequence[str],
    https_only: bool,
) -> None:
    """Raise ImproperlyConfigured with a sentence for each setting that is unsafe in production."""
    refused = {
        "SECRET_KEY: the built-in local key is public; set a random one of 50 characters or more.": any(
            each.startswith(PUBLIC_KEYS) for each in [key, *fallbacks]
        ),
        "SECRET_KEY: it can be guessed; set a random one of 50 characters or more.": _can_be_guessed(key),
        # Cookies signed with one of them are accepted too.
        "SECRET_KEY_FALLBACKS: one can be guessed; leave it out, which ends the sessions that it has signed.": any(
            map(_can_be_guessed, fallbacks)
        ),
        "DEBUG: true shows tracebacks and settings to every visitor; unset it.": debug,
        "ALLOWED_HOSTS: list the names that browsers use.": not allowed_hosts,
        "ALLOWED_HOSTS: * lets any host name in; list the names that browsers use.": "*" in allowed_hosts,
        "HTTPS_ONLY: false sends session cookies over plain http; unset it and serve https.": not https_only,
    }
    sentences = [sentence for sentence, is_refused in refused.items() if is_refused]
    if sentences:
        raise ImproperlyConfigured(" ".join(["ENVIRONMENT=production refuses to start.", *sentences]))


def _can_be_guessed(key: str) -> bool:
    return len(key) < KEY_CHARS or len(set(key)) < KEY_DIFFERENT_CHARS or key.startswith(GENERATED_BY_STARTPROJECT)
