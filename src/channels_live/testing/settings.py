"""The settings module of the servers that LiveStack starts: the project's, with the test's database and Redis."""

from channels_live.testing.overrides import apply

apply(globals())
