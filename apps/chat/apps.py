from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from chat.conf import chat_settings


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")

    def ready(self) -> None:
        from chat import access  # noqa: F401  # connects its receivers

        chat_settings.check_dictionary()
