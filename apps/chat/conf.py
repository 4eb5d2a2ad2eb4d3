"""The settings of the chat."""

from channels_live.conf import AppSettings, Setting

A_MILLION = 1_000_000


class ChatSettings(AppSettings, dictionary="CHAT"):
    MESSAGE_MAX_CHARS = Setting(
        int,
        4000,
        "Maximum length of a message text, in characters.",
        unit="characters",
        minimum=1,
        maximum=16_000,
    )
    RETENTION_DAYS = Setting(
        int,
        0,
        "Age in days at which `manage.py prune_messages` deletes messages.",
        unit="days",
        minimum=0,
        maximum=36_500,
        services=("web",),
    )
    ROOM_MESSAGE_RATE = Setting(
        float,
        200.0,
        "Sustained messages per second and room in one ws process.",
        unit="messages per second",
        minimum=0,
        maximum=A_MILLION,
        services=("ws",),
    )
    HISTORY_RATE = Setting(
        float,
        5.0,
        "Sustained pages of history per second and connection.",
        unit="pages per second",
        minimum=0,
        maximum=A_MILLION,
        services=("ws",),
    )
    TYPING_RATE = Setting(
        float,
        1.0,
        "Typing notices per second and connection that are delivered to the room.",
        unit="notices per second",
        minimum=0,
        maximum=A_MILLION,
        services=("ws",),
    )


chat_settings = ChatSettings()
