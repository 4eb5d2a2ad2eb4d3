from playwright.sync_api import Page, expect


class RoomPage:
    """Page object of ``/chat/<room>/``."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.log = page.locator("#chat-log")
        self.input = page.locator("#chat-message-input")
        self.submit = page.locator("#chat-message-submit")
        self.error = page.locator("#chat-error")
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
        """Wait until the log shows these messages; its ``value`` must be their plain text, one a line."""
        expect(self.log.locator("p")).to_have_text(messages)
        assert self.log.evaluate("log => log.value") == "".join(f"{message}\n" for message in messages)
