from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from base.layer_event import layer_event
from chat import journal
from chat.events import removed_frames
from chat.models import Message, Room
from chat.rooms import group_name
from web.publisher import publish


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that are looked at only: numbers must neither change nor vanish."""

    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Room | Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Room | Message | None = None) -> bool:
        return False


@admin.register(Room)
class RoomAdmin(ReadOnlyAdmin):
    list_display = ["name", "head", "pruned_to", "room_messages"]
    search_fields = ["name"]
    ordering = ["name"]

    @admin.display(description="messages")
    def room_messages(self, room: Room) -> str:
        address = reverse("admin:chat_message_changelist", query={"room__id__exact": room.pk})
        return format_html('<a href="{}">messages</a>', address)


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
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
            stored = journal.remove(message.pk)
            publish(group_name(stored.room), layer_event(stored.room, None, removed_frames(stored.seq)))
            self.log_change(request, message, "Removed the text.")
            count += 1
        messages.success(request, f"Texts removed: {count}.")
