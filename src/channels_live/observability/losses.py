"""What the channel layer of this process has lost. Plain numbers: web has a channel layer too, and no metrics of ws."""

from dataclasses import dataclass


@dataclass
class Losses:
    """``sends``: messages that Redis did not take. ``interruptions``: times at which nothing was received any more."""

    sends: int = 0
    interruptions: int = 0


losses = Losses()
