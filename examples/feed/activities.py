"""The activities, for every process: web and management commands record them too."""

from uuid import uuid4

from channels_live.journal import Draft, Journal, entry_frames
from feed.models import Activity

journal = Journal(Activity)


def frames(activity: Activity) -> dict[str, str]:
    """Return what the windows with the feed are sent."""
    return entry_frames(activity, {"actor": activity.actor, "text": activity.text})


def record(feed: str, actor: str, text: str) -> None:
    """Store an activity, and show it in the windows. Blocks; for web, commands and signals."""
    (activity,) = journal.append([Draft(feed, uuid4().hex, {"actor": actor, "text": text})])
    journal.publish(activity, frames(activity))
