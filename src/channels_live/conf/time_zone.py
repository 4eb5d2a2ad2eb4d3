"""``TIME_ZONE``: a name of the tz database."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured


def parse_time_zone(name: str, value: str) -> str:
    """Return the value of the setting ``name``.

    Raises ImproperlyConfigured with one sentence where the system's tz database has no such zone.
    """
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ImproperlyConfigured(
            f"{name}: expected a name of the tz database, such as Asia/Tokyo, got {value!r}."
        ) from None
    return value
