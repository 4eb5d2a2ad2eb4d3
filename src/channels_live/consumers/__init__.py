"""Bases of consumers: DirectConsumer for any, JournalConsumer for the streams of a journal."""

from channels_live.consumers.direct import DirectConsumer
from channels_live.consumers.journal import JournalConsumer

__all__ = ["DirectConsumer", "JournalConsumer"]
