from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.forms import ModelForm
from django.http import HttpRequest

from accounts import tokens
from accounts.models import ApiToken, User

admin.site.register(User, UserAdmin)


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Make a token, which is shown this once, and revoke it by deleting it."""

    list_display = ["name", "user", "created_at", "expires_at"]
    list_select_related = ["user"]
    search_fields = ["name", "user__username"]
    autocomplete_fields = ["user"]
    fields = ["user", "name", "expires_at"]

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> list[str]:
        # A token that has been handed out stays its user's.
        return ["user"] if obj else []

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        token = tokens.new_token()
        obj.digest = tokens.digest(token)
        super().save_model(request, obj, form, change)
        messages.warning(request, f"Token: {token} (copy it now; it won’t be shown again)")
