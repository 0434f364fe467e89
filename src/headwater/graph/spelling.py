"""Which known names could have been meant: a quick first choice, so that errors stay quick among thousands of names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Spelling:
    """Known names, indexed by their pairs of letters."""

    def __init__(self, known: Iterable[str]) -> None:
        self._known = tuple(dict.fromkeys(known))
        self._names_by_pair: dict[str, list[int]] | None = None

    def candidates(self, name: str, limit: int = 12) -> tuple[str, ...]:
        """Return the known names that share most pairs of letters with `name`, the most alike first."""
        if self._names_by_pair is None:
            self._names_by_pair = {}
            for number, known in enumerate(self._known):
                for pair in _pairs(known):
                    self._names_by_pair.setdefault(pair, []).append(number)
        shared: Counter[int] = Counter()
        for pair in _pairs(name):
            shared.update(self._names_by_pair.get(pair, ()))

        def unlike(number: int) -> tuple[int, int]:
            return abs(len(self._known[number]) - len(name)) - 3 * shared[number], number

        return tuple(self._known[number] for number in sorted(shared, key=unlike)[:limit])


def _pairs(name: str) -> set[str]:
    padded = f" {name.lower()} "
    return {padded[at : at + 2] for at in range(len(padded) - 1)}
