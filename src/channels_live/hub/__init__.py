"""Topics with members in this process: ordering, repair, fan-out, presence.

An app writes a Source, and its consumers are Members; ``get_hub`` gives it the hub.
"""

from channels_live.hub.gossip import Gossip
from channels_live.hub.hub import Hub, get_hub
from channels_live.hub.members import Member, Socket
from channels_live.hub.presence import Presence
from channels_live.hub.source import Source
from channels_live.layers.event import Event

__all__ = ["Event", "Gossip", "Hub", "Member", "Presence", "Socket", "Source", "get_hub"]
