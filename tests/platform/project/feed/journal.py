"""The feeds as web and ws have them: without the hub, which only ws has."""

from typing import Any

from channels_live.journal import Journal
from feed.models import Post

journal: Journal[Post] = Journal(Post)


def content(post: Post) -> dict[str, Any]:
    """Return the app's own fields of an entry's frame."""
    return {"text": post.text}
