from django.apps import AppConfig

from accounts.conf import accounts_settings


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import revocations  # noqa: F401  # connects its receivers

        accounts_settings.check_dictionary()
