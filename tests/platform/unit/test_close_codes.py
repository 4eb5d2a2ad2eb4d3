"""The close codes of the server and of the browser client."""

import re
from pathlib import Path

import channels_live
from channels_live.close_codes import CloseCode

MODULE = Path(channels_live.__file__).parent / "static/channels_live/close_codes.js"


def test_each_code_of_the_browser_client_has_the_name_and_number_of_the_servers():
    found = {name: int(code) for name, code in re.findall(r"^  ([A-Z_]+): (\d+),$", MODULE.read_text(), re.MULTILINE)}
    assert found
    assert {name: CloseCode[name].value for name in found} == found


def test_the_browser_client_knows_every_code_that_the_server_sends():
    found = {int(code) for code in re.findall(r": (\d+),$", MODULE.read_text(), re.MULTILINE)}
    # Sent by autobahn for a violation of the protocol, or never sent.
    not_ours = {1002, 1003, 1005, 1006, 1007}
    assert set(map(int, CloseCode)) - not_ours <= found
