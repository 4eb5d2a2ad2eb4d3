"""docs/reference.md says what the docstrings say, and they say something of everything that is public."""

import inspect
from pathlib import Path

import griffe
import pytest

from deploy import reference

MODULES = reference.public_modules()


def test_every_public_name_has_a_docstring() -> None:
    assert reference.undocumented(MODULES) == []


def test_the_page_is_current() -> None:
    assert reference.PAGE.read_text() == reference.page(MODULES), "docs/reference.md is out of date: make reference"


EXAMPLE = '''
"""What the example is for."""

import asyncio
from dataclasses import dataclass
from enum import IntEnum

__all__ = ["Code", "Door", "Size", "wait"]


class Code(IntEnum):
    """Why it is closed."""

    NIGHT = 1
    """It is late."""
    RAIN = 2


class Frame:
    def paint(self) -> None:
        """Paint it."""

    def measure(self) -> None:
        ...


class Door(Frame):
    """A door."""

    def __init__(
        self, name: str, *, height: float = 2.0, width: float = 0.9, colour: str = "green", is_open: bool = False
    ) -> None:
        self.name = name

    async def open(self, seconds: float) -> int:
        """Open it.

        Args:
            seconds: How long it stays open.

        Returns:
            How many came in.

        Raises:
            OSError: It is locked.
        """

    def close(self) -> None:
        ...

    def _lock(self) -> None:
        ...


@dataclass
class Size:
    """How large it is, in ``metres``."""

    height: float


async def wait(door: Door) -> None:
    ...
'''


@pytest.fixture
def example(tmp_path: Path) -> dict[str, griffe.Module]:
    (tmp_path / "example.py").write_text(EXAMPLE)
    module = griffe.load("example", search_paths=[tmp_path], docstring_parser="google")
    assert isinstance(module, griffe.Module)
    return {"example": module}


def test_what_has_no_docstring_is_found(example: dict[str, griffe.Module]) -> None:
    assert reference.undocumented(example) == ["example.Door.measure", "example.Door.close", "example.wait"]


def test_arguments_results_and_errors_are_on_the_page(
    example: dict[str, griffe.Module], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    page = reference.page(example)
    assert "- [example](#example): `Code`, `Door`, `Size`, `wait`\n" in page
    assert "```python\nasync def open(seconds: float) -> int\n```\n\nOpen it.\n\n" in page
    assert "Parameters:\n\n- `seconds`: How long it stays open.\n\nReturns: How many came in.\n\n" in page
    assert "Raises:\n\n- `OSError`: It is locked.\n" in page
    assert "class Door(\n    name: str,\n    *,\n    height: float = 2.0,\n" in page
    assert "How large it is, in `metres`." in page
    assert "- `NIGHT = 1`: It is late.\n- `RAIN = 2`\n" in page
    # Of a base class that is not exported.
    assert "#### Door.paint\n\n```python\ndef paint() -> None\n```\n\nPaint it.\n" in page
    assert "_lock" not in page
    assert inspect.cleandoc(reference.INTRODUCTION) in page


def test_a_class_of_settings_lists_them_with_unit_range_and_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    (tmp_path / "settings.py").write_text('''
"""What can be set."""

__all__ = ["Settings"]
MOST = 1_000


class Settings(AppSettings):
    """The settings."""

    DELAY = Setting(float, 0.5, "How long it waits.", unit="seconds", minimum=0, maximum=MOST)
    PREFIX = Setting(str, "", "What names begin with.")
''')
    module = griffe.load("settings", search_paths=[tmp_path], docstring_parser="google")
    page = reference.page({"settings": module})
    assert "- `DELAY` (float, by default 0.5, seconds, 0 to 1000): How long it waits.\n" in page
    assert "- `PREFIX` (str, by default empty): What names begin with.\n" in page
