from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from chat.journal import journal, remove
from chat.models import Ban, Membership, Message, Room
from chat.protocol import removed_frames
from chat.rooms import MAX_CHARS, RoomNameConverter


class RoomForm(ModelForm):
    def clean_name(self) -> str:
        try:
            return RoomNameConverter().to_python(self.cleaned_data["name"])
        except ValueError:
            sentence = gettext("Letters, digits, hyphens and underscores; no spaces. Up to %(max_chars)s characters.")
            raise ValidationError(sentence % {"max_chars": MAX_CHARS}) from None


class RoomUserInline(admin.TabularInline):
    """Users of a room. A row is added or deleted, never changed: the receivers of access.py handle no change."""

    extra = 0
    autocomplete_fields = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False


class MembershipInline(RoomUserInline):
    model = Membership
    verbose_name_plural = _("members (they may enter a room with the access “Members only”)")


class BanInline(RoomUserInline):
    model = Ban


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    """Access to rooms. A room is never deleted: its numbers must not start again from 1."""

    form = RoomForm
    show_full_result_count = False
    list_display = ["name", "access", "head", "pruned_to", "room_messages"]
    list_filter = ["access"]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", "access"]
    inlines = [MembershipInline, BanInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Room | None = None) -> list[str]:
        return ["name"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Room, form: ModelForm, change: bool) -> None:
        # Not the numbers: they may have risen since the form was read.
        obj.save(update_fields=["access"] if change else None)

    @admin.display(description=_("messages"))
    def room_messages(self, room: Room) -> str:
        address = reverse("admin:chat_message_changelist", query={"room__id__exact": room.pk})
        return format_html('<a href="{}">{}</a>', address, gettext("Show messages"))


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Search messages, and remove their text, which needs the permission to change messages."""

    list_display = ["room", "seq", "author", "excerpt", "sent_at", "is_removed"]
    list_display_links = ["seq"]
    list_select_related = ["room"]
    list_filter = ["sent_at", ("removed_at", admin.EmptyFieldListFilter)]
    search_fields = ["text", "author", "=room__name"]
    # By primary key, the one order that costs nothing however many there are.
    ordering = ["-id"]
    fields = ["room", "seq", "client_id", "author", "text", "sent_at", "removed_at"]
    actions = ["remove_text"]

    show_full_result_count = False

    # Messages are only displayed: numbers must neither change nor vanish.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    @admin.display(description=_("text"))
    def excerpt(self, message: Message) -> str:
        return Truncator(message.text).chars(80)

    @admin.display(description=_("removed"), boolean=True)
    def is_removed(self, message: Message) -> bool:
        return message.removed_at is not None

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.change_message")

    @admin.action(description=_("Remove the text of selected messages (permanent)"), permissions=["moderate"])
    def remove_text(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        count = 0
        for message in chosen.filter(removed_at=None):
            removed = remove(message.pk)
            journal.publish_change(removed, removed_frames(removed.seq))
            # In this form, Django writes the history's line in the language of its reader.
            self.log_change(request, message, [{"deleted": {"name": "text", "object": str(message)}}])
            count += 1
        sentence = ngettext(
            "The text of %(count)d message was removed.", "The texts of %(count)d messages were removed.", count
        )
        messages.success(request, sentence % {"count": count})
