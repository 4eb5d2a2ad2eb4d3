"""``python -m base.check_settings``: read the settings of web and ws, and say what they use, before anything starts.

Writes a line for each address that somebody has set, and for each variable that looks misspelt. Where a setting is
invalid it writes one sentence to standard error and exits with 1.
"""

from importlib import import_module

from base.environment import env, exit_on_wrong_configuration, misspelt_names
from channels_live.conf.redis_url import without_password

SERVICES = ("web", "ws")


def main() -> None:
    with exit_on_wrong_configuration():
        for service in SERVICES:
            # Only their modules: nothing of Django is set up.
            settings = import_module(f"{service}.settings")
    for line in [*_addresses(settings.DATABASES["default"], settings.REDIS_HOSTS), *misspelt_names()]:
        print(line)


def _addresses(database: dict[str, str], hosts: list[dict[str, str]]) -> list[str]:
    lines = []
    if env.str("DATABASE_URL", ""):
        where = f"PostgreSQL at {database['HOST'] or 'a local socket'}" if "HOST" in database else "SQLite"
        lines.append(f"DATABASE_URL: {where}, {database['NAME']}")
    if env.str("REDIS_URL", ""):
        lines.append(f"REDIS_URL: {', '.join(map(without_password, hosts))}")
    return lines


if __name__ == "__main__":
    main()
