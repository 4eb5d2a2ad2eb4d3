"""The transport between processes: the channel layer, and what an event looks like in it.

web imports this too, so nothing here needs Daphne, autobahn or Twisted.
"""

from channels_live.layers.channel_layer import ChannelLayer
from channels_live.layers.event import Event
from channels_live.layers.prefix import async_channel_prefix, channel_prefix
from channels_live.layers.publisher import publish

__all__ = ["ChannelLayer", "Event", "async_channel_prefix", "channel_prefix", "publish"]
