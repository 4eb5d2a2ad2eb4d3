from playwright.sync_api import Page, expect


class RoomPage:
    """Page object of ``/chat/<room>/``."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = page.locator("#chat-log")
        self.messages = self.log.locator(".message")
        self.input = page.locator("#chat-message-input")
        self.submit = page.locator("#chat-message-submit")
        self.error = page.locator("#chat-error")
        self.members = page.locator("#chat-members")
        self.typing = page.locator("#chat-typing")
        self.connection_state = page.locator("#connection-state")

    def enter(self, room: str) -> "RoomPage":
        self.page.goto(f"/chat/{room}/")
        return self.wait_connected()

    def wait_connected(self) -> "RoomPage":
        """Return when the room hears this window: what is said from now on arrives."""
        expect(self.log).to_have_attribute("data-connected", "true")
        return self

    def say(self, text: str) -> None:
        self.input.fill(text)
        self.input.press("Enter")

    def expect_transcript(self, *messages: str) -> None:
        """Wait until the room has these messages; the log's ``value`` must be their plain text, one a line."""
        expect(self.log.locator("[data-seq] p")).to_have_text(messages)
        assert self.log.evaluate("log => log.value") == "".join(f"{message}\n" for message in messages)
        numbers = self.log.locator("[data-seq]").evaluate_all("items => items.map(item => Number(item.dataset.seq))")
        assert numbers == sorted(set(numbers))

    def expect_state(self, message: str, state: str) -> None:
        """Wait until the message says in words how far it is; ``""`` for one that needs no words."""
        shown = self.messages.filter(has_text=message).locator(".state:visible")
        if state:
            expect(shown).to_contain_text(state)
        else:
            expect(shown).to_have_count(0)
