"""The regular expressions that read messages take steps in proportion to their length."""

import pytest

from chat import text
from tests.support.patterns import Matcher, of_scripts, worst


@pytest.mark.parametrize("pattern", [text.CONTROLS, text.BIDI_CONTROL])
def test_steps_grow_as_the_length(pattern):
    assert worst(Matcher(pattern.pattern, "search")) <= 2.5


def test_patterns_of_the_chats_scripts_are_found():
    """Their steps are counted in tests/unit/test_patterns.py."""
    assert len(list(of_scripts())) >= 6
