"""The settings of the accounts."""

from channels_live.conf import AppSettings, Setting


class AccountsSettings(AppSettings, dictionary="ACCOUNTS"):
    TICKET_SECONDS = Setting(
        int,
        30,
        "Lifetime in seconds of a ticket of POST /api/tickets, within which it opens a WebSocket.",
        unit="seconds",
        minimum=1,
        maximum=300,
        services=("web",),
    )


accounts_settings = AccountsSettings()
