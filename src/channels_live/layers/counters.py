class Counters:
    """What a process counts of its channel layer. This one counts nothing; ws exports them as metrics."""

    def set_up(self, is_up: bool) -> None:
        """Note whether the channel layer is available."""

    def failed(self) -> None:
        """Count a call that failed or timed out."""

    def queued(self, messages: int) -> None:
        """Add to the number of waiting messages; negative when they leave the queue."""

    def dropped(self, messages: int) -> None:
        """Count messages dropped because too many waited."""

    def sent(self, messages: int) -> None:
        """Count messages sent to a group."""

    def observe_send(self, seconds: float) -> None:
        """Note how long one send took, whether it succeeded or not."""
