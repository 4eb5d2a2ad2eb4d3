"""The fixtures of channels_live.testing: here the package is not installed, so pytest finds no entry point of it."""

pytest_plugins = ["channels_live.testing.plugin"]
