"""Django Channels under Daphne, with fast fan-out, durable streams with resume, drain, limits and metrics.

Each sub-package's ``__all__`` is public (docs/reference.md); all else is private and may move.
"""

__all__ = ["__version__"]

# The only place of the version; pyproject.toml reads it from here.
__version__ = "0.1.0"
