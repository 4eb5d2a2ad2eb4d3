from django.apps import AppConfig

from chat.conf import chat_settings


class ChatConfig(AppConfig):
    name = "chat"

    def ready(self) -> None:
        from chat import access  # noqa: F401  # connects its receivers

        chat_settings.check_dictionary()
