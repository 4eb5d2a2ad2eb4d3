"""A backtracking matcher of regular expressions that counts its steps. Python, browsers and nginx backtrack too."""

import re
from collections.abc import Callable, Iterator, Sequence
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

from deploy.local.stack import ROOT

Go = Callable[[int], bool]
SINGLE = (op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY)
CATEGORIES = {
    op.CATEGORY_DIGIT: r"\d",
    op.CATEGORY_SPACE: r"\s",
    op.CATEGORY_WORD: r"\w",
    op.CATEGORY_NOT_DIGIT: r"\D",
    op.CATEGORY_NOT_SPACE: r"\S",
    op.CATEGORY_NOT_WORD: r"\W",
}
CANDIDATES = [*map(ord, "a0.-_/:!) \t\n\"'<`é部"), 0x1F, 0xFF]

# Characters of a text: more than any bounded repetition of our patterns.
SIZE = 70


class Matcher:
    """Matches a pattern and counts the steps; ``how`` is ``search`` or ``fullmatch``."""

    def __init__(self, pattern: str | bytes, how: str = "search", flags: int = 0) -> None:
        self.tree = parser.parse(pattern, flags)
        self.is_search = how == "search"
        self.ignores_case = bool(self.tree.state.flags & re.IGNORECASE)
        self.spans_lines = bool(self.tree.state.flags & re.DOTALL)

    def steps(self, text: Sequence[int]) -> int:
        """Return the steps to find all matches in a text."""
        self._text, self._steps, self._groups = text, 0, dict[int, Sequence[int]]()
        start = 0
        while start <= len(text):
            ends: list[int] = []
            self._run(self.tree, 0, start, lambda end: self._accept(end, ends))  # noqa: B023 # it is called at once
            if not self.is_search:
                break
            start = max(ends[0] if ends else 0, start + 1)
        return self._steps

    def sample(self) -> list[int]:
        """Return a text that the pattern matches, or almost matches."""
        return list(self._sample(self.tree))

    def _accept(self, end: int, ends: list[int]) -> bool:
        ends.append(end)
        return self.is_search or end == len(self._text)

    def _sample(self, items: Any) -> Iterator[int]:
        for kind, argument in items:
            if kind in SINGLE:
                literals = [argument] if kind is op.LITERAL else CANDIDATES
                if kind is op.IN:
                    literals = [
                        *CANDIDATES,
                        *(a if k is op.LITERAL else a[0] for k, a in argument if k in (op.LITERAL, op.RANGE)),
                    ]
                yield next(code for code in literals if self._takes(kind, argument, code))
            elif kind is op.SUBPATTERN:
                yield from self._sample(argument[3])
            elif kind is op.BRANCH:
                yield from self._sample(argument[1][0])
            elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
                for _ in range(max(1, argument[0])):
                    yield from self._sample(argument[2])

    def _run(self, items: Any, at: int, position: int, go: Go) -> bool:
        self._steps += 1
        if at == len(items):
            return go(position)
        kind, argument = items[at]

        def onward(end: int) -> bool:
            return self._run(items, at + 1, end, go)

        if kind in SINGLE:
            return self._is_at(kind, argument, position) and onward(position + 1)
        if kind is op.SUBPATTERN:
            return self._run(
                argument[3], 0, position, lambda end: self._keep(argument[0], position, end) and onward(end)
            )
        if kind is op.BRANCH:
            return any(self._run(branch, 0, position, onward) for branch in argument[1])
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            return self._repeat(kind is op.MAX_REPEAT, argument, position, onward)
        if kind in (op.ASSERT, op.ASSERT_NOT):
            return self._run(argument[1], 0, position, lambda _: True) is (kind is op.ASSERT) and onward(position)
        if kind is op.GROUPREF:
            kept = self._groups.get(argument, [])
            self._steps += len(kept)
            return self._text[position : position + len(kept)] == kept and onward(position + len(kept))
        assert kind is op.AT, kind
        return self._is_place(argument, position) and onward(position)

    def _repeat(self, is_greedy: bool, argument: Any, position: int, onward: Go) -> bool:
        least, most, inner = argument
        if is_greedy and len(inner) == 1 and inner[0][0] in SINGLE:
            last = position
            while last - position < most and self._is_at(*inner[0], last):
                last += 1
            return any(onward(end) for end in range(last, position + least - 1, -1))

        def again(count: int, begin: int) -> bool:
            def once_more() -> bool:
                return count < most and self._run(inner, 0, begin, lambda end: end > begin and again(count + 1, end))

            def enough() -> bool:
                return count >= least and onward(begin)

            return (once_more() or enough()) if is_greedy else (enough() or once_more())

        return again(0, position)

    def _keep(self, group: int | None, begin: int, end: int) -> bool:
        if group is not None:
            self._groups[group] = self._text[begin:end]
        return True

    def _is_at(self, kind: Any, argument: Any, position: int) -> bool:
        self._steps += 1
        return position < len(self._text) and self._takes(kind, argument, self._text[position])

    def _takes(self, kind: Any, argument: Any, code: int) -> bool:
        if self.ignores_case:
            return any(
                self._takes_exactly(kind, argument, ord(c)) for c in {chr(code).lower()[0], chr(code).upper()[0]}
            )
        return self._takes_exactly(kind, argument, code)

    def _takes_exactly(self, kind: Any, argument: Any, code: int) -> bool:
        if kind is op.ANY:
            return self.spans_lines or code != 10
        if kind in (op.LITERAL, op.NOT_LITERAL):
            return (code == argument) is (kind is op.LITERAL)
        is_negated = argument[0][0] is op.NEGATE
        return is_negated is not any(
            code == item
            if kind is op.LITERAL
            else item[0] <= code <= item[1]
            if kind is op.RANGE
            else bool(re.match(CATEGORIES[item], chr(code)))
            for kind, item in argument[is_negated:]
        )

    def _is_place(self, place: Any, position: int) -> bool:
        if place in (op.AT_BEGINNING, op.AT_BEGINNING_STRING):
            return position == 0
        if place in (op.AT_END, op.AT_END_STRING):
            return position == len(self._text)
        words = [0 <= at < len(self._text) and chr(self._text[at]).isalnum() for at in (position - 1, position)]
        return (words[0] != words[1]) is (place is op.AT_BOUNDARY)


def growing(sample: list[int], size: int) -> Iterator[list[int]]:
    """Texts of which one place, or all, comes again and again, before an end that matches nothing or all."""
    for end in ([], [0]):
        yield sample * size + end
        for at, code in enumerate(sample):
            yield sample[:at] + [code] * size + sample[at:] + end
            yield [code] * size + end


def worst(matcher: Matcher, size: int = SIZE) -> float:
    """Return by how much the steps grow with a text of twice the length, at most."""
    sample = matcher.sample()[:40]
    pairs = zip(growing(sample, size), growing(sample, 2 * size), strict=True)
    return max(matcher.steps(long) / matcher.steps(short) for short, long in pairs)


def of_scripts() -> Iterator[tuple[str, Matcher]]:
    """Yield the regular expressions of all browser scripts that have the flag ``u``, each with its name."""
    for script in [path for folder in ("apps", "services", "src") for path in ROOT.glob(f"{folder}/*/static/**/*.js")]:
        for literal, flags in re.findall(
            r"/((?:\\.|\[(?:\\.|[^\]\\])+\]|[^/\\\s\[])+)/([gimsy]*u[gimsy]*)\b", script.read_text()
        ):
            pattern = literal.replace(r"\p{C}", r"\x00-\x1f").replace("(?<", "(?P<")
            chosen = (re.IGNORECASE if "i" in flags else 0) | (re.DOTALL if "s" in flags else 0)
            yield f"{script.name} {literal}", Matcher(pattern, flags=chosen)
