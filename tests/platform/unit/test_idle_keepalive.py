"""Timeouts of persistent connections between two requests."""

from tests.support.protocol_script import run

SCRIPT = """
from channels_live.observability import metrics

class Timer:
    calls = []
    def call_later(self, seconds, function):
        call = SimpleNamespace(seconds=seconds, function=function, is_cancelled=False)
        call.cancel = lambda: setattr(call, "is_cancelled", True)
        self.calls.append(call)
        return call
    def pending(self):
        return [call for call in self.calls if not call.is_cancelled]

def timeouts():
    return metrics.HANDSHAKES.labels("timeout")._value.get()

async def main():
    Protocol.openHandshakeTimeout = 5
    Server.http_factory = SimpleNamespace(timeOut=60)
    for received, seconds, counted in ((b"", 60, 0), (b"GET /livez HT", 5, 1)):
        factory._batched_timer = timer = Timer()
        timer.calls.clear()
        before = timeouts()
        protocol = Protocol()
        protocol.reuse(Transport(), b"")
        if received:
            protocol.dataReceived(received)
        (call,) = timer.pending()
        assert call.seconds == seconds
        call.function()
        assert protocol.transport.disconnecting
        assert timeouts() - before == counted
twisted_loop.run_until_complete(asyncio.wait_for(main(), 50))
"""


def test_idle_connection_is_closed_and_not_counted_as_a_failed_handshake():
    run(SCRIPT)
