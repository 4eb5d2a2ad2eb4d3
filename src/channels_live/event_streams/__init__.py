"""Server-Sent Events: the streams of a journal over HTTP, for EventSource and for programs that cannot use WebSockets.

https://html.spec.whatwg.org/multipage/server-sent-events.html. Any other ``channels.generic.http.AsyncHttpConsumer`` is
served too: see docs/existing-app.md.
"""

from channels_live.event_streams.journal import JournalEventStream

__all__ = ["JournalEventStream"]
