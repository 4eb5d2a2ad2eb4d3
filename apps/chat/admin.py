from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from chat.journal import journal, remove
from chat.models import Ban, Membership, Message, Room
from chat.protocol import removed_frames
from chat.rooms import RoomNameConverter


class RoomForm(ModelForm):
    def clean_name(self) -> str:
        try:
            return RoomNameConverter().to_python(self.cleaned_data["name"])
        except ValueError:
            raise ValidationError("Expected 1 to 64 letters, digits, - and _.") from None


class RoomUserInline(admin.TabularInline):
    """Users of a room. A row is added or deleted, never changed: the receivers of access.py handle no change."""

    extra = 0
    autocomplete_fields = ["user"]

    def has_change_permission(self, request: HttpRequest, obj: Room | None = None) -> bool:
        return False


class MembershipInline(RoomUserInline):
    model = Membership
    verbose_name_plural = "members, for a room that is for members only"


class BanInline(RoomUserInline):
    model = Ban
    verbose_name_plural = "bans"


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    """Who may enter which room. A room is never deleted: its numbers must not begin anew."""

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

    @admin.display(description="messages")
    def room_messages(self, room: Room) -> str:
        address = reverse("admin:chat_message_changelist", query={"room__id__exact": room.pk})
        return format_html('<a href="{}">messages</a>', address)


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):
    """Search, and remove the text of messages. Who may "change" messages may do so."""

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

    # Looked at only: numbers must neither change nor vanish.
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    @admin.display(description="text")
    def excerpt(self, message: Message) -> str:
        return Truncator(message.text).chars(80)

    @admin.display(description="removed", boolean=True)
    def is_removed(self, message: Message) -> bool:
        return message.removed_at is not None

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.change_message")

    @admin.action(description="Remove the text, for good and from open pages", permissions=["moderate"])
    def remove_text(self, request: HttpRequest, chosen: QuerySet[Message]) -> None:
        count = 0
        for message in chosen.filter(removed_at=None):
            removed = remove(message.pk)
            journal.publish_change(removed, removed_frames(removed.seq))
            self.log_change(request, message, "Removed the text.")
            count += 1
        messages.success(request, f"Texts removed: {count}.")
