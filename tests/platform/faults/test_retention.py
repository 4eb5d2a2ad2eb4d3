"""Coming back from before what is kept."""

import asyncio
import sys

from deploy.local.stack import ROOT, Stack

PRUNE = """
from datetime import timedelta
from django.db.models import F
from django.utils import timezone
from feed.models import Post
from feed.journal import journal
Post.objects.filter(feed__name="{room}", seq__lte={seq}).update(sent_at=F("sent_at") - timedelta(days=3))
print(*journal.prune(timezone.now() - timedelta(days=2)).values())
"""


async def manage(stack: Stack, *command: str) -> str:
    """Run a management command in the stack's environment, and return what it wrote."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ROOT / "manage.py"),
        *command,
        env=stack.environment,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_after_before_what_is_kept_is_a_reset_and_live_messages_go_on(stack, enter, room):
    async with enter("alice") as alice:
        for number in range(1, 11):
            await alice.say(str(number))
        await alice.wait_for(lambda: alice.seq == 10 and not alice.unacknowledged)
        assert await manage(stack, "shell", "-v0", "-c", PRUNE.format(room=room, seq=6)) == "6\n"
        async with enter("bob", after=5) as bob, enter("carol", after=6) as carol:
            await bob.wait_for(lambda: bob.resets)
            await carol.wait_for(lambda: carol.seq == 10)
            await alice.say("11")
            for member in (alice, bob, carol):
                await member.wait_for(lambda member=member: member.seq == 11)
        assert bob.resets == [10]
        assert carol.resets == []
        assert [delivery.seq for delivery in bob.deliveries] == [11]
        assert [delivery.seq for delivery in carol.deliveries] == [7, 8, 9, 10, 11]
        assert [delivery.seq for delivery in alice.deliveries] == list(range(1, 12))
