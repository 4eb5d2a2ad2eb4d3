from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from accounts.conf import accounts_settings


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from accounts import revocations  # noqa: F401  # connects its receivers

        accounts_settings.check_dictionary()
