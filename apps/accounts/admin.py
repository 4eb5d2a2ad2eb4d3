from typing import Any

from django.contrib import admin, messages
from django.contrib.auth import admin as auth_admin
from django.contrib.auth.forms import AdminPasswordChangeForm, SetUnusablePasswordMixin
from django.contrib.auth.models import Group, Permission
from django.db.models import ManyToManyField
from django.forms import ModelForm, ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import tokens
from accounts.models import ApiToken, User

# Django stores the names of permissions in English.
DEFAULT_PERMISSIONS = {
    "add": _("Can add"),
    "change": _("Can change"),
    "delete": _("Can delete"),
    "view": _("Can view"),
}


class PermissionsField(ModelMultipleChoiceField):
    """A choice of permissions, the default ones in the reader's language.

    Without the name of the app, which is in English unless its AppConfig has a translated ``verbose_name``.
    """

    def label_from_instance(self, obj: Permission) -> str:
        action, _, model = obj.codename.partition("_")
        is_default = action in DEFAULT_PERMISSIONS and model == obj.content_type.model
        return f"{obj.content_type.name} | {DEFAULT_PERMISSIONS[action] if is_default else obj.name}"


class PermissionsMixin:
    """Shows the permissions of a user or a group by PermissionsField."""

    def formfield_for_manytomany(
        self, db_field: ManyToManyField, request: HttpRequest | None = None, **options: Any
    ) -> ModelMultipleChoiceField | None:
        if db_field.related_model is Permission:
            options["form_class"] = PermissionsField
        return super().formfield_for_manytomany(db_field, request, **options)  # type: ignore[misc]


class PasswordForm(AdminPasswordChangeForm):
    """Django's, whose warning is in English only. Django's script shows it when the password is disabled."""

    usable_password_help_text = format_lazy(  # type: ignore[assignment]  # lazy, as Django's own is
        '{}<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
        SetUnusablePasswordMixin.usable_password_help_text,
        _("If disabled, the current password for this user will be lost."),
    )


@admin.register(User)
class UserAdmin(PermissionsMixin, auth_admin.UserAdmin):
    change_password_form = PasswordForm


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(PermissionsMixin, auth_admin.GroupAdmin):
    pass


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """Create a token, which is shown only once, and revoke it by deleting it."""

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
        sentence = gettext("Token: %(token)s (copy it now; it won’t be shown again)")
        messages.warning(request, sentence % {"token": token})
