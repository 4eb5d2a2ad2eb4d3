"""``TIME_ZONE``: a name of the tz database."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from environs import ValidationError


def expect_time_zone(name: str) -> None:
    """Raise ValidationError where the system's tz database has no zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationError(f"expected a name of the tz database, such as Asia/Tokyo, not {name!r}.") from None
