"""The root of every error that Headwater raises on purpose.

An error answers three questions: what happened, why that is a problem, and what to type next. It carries keys and plain
values, never live objects, so anything may import it.
"""

from __future__ import annotations

from collections.abc import Iterable


class HeadwaterError(Exception):
    """The base of all errors raised by Headwater. `code` is stable and can be matched on by programs."""

    code: str = "error"

    def __init__(self, what: str = "", why: str = "", fix: str = "") -> None:
        self.what = what
        self.why = why
        self.fix = fix
        super().__init__(" ".join(part for part in (what, why, fix) if part))


def kind_of(value: object) -> str:
    """Return what a value is, as messages say it: "an int", "a str"."""
    kind = type(value).__name__
    return f"an {kind}" if kind[:1] in "aeioAEIO" else f"a {kind}"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that is spelt most like `name`, or None when none is close."""
    # Only a mistake needs it, and every command imports this module.
    from difflib import get_close_matches

    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return 'Did you mean "x"? ' (with the space), or an empty string when no known name is close."""
    near = nearest(name, known)
    return f'Did you mean "{near}"? ' if near else ""


def did_you_mean_or(name: str, known: Iterable[str], fix: str) -> str:
    """Return what else to do: 'Did you mean "x"? Otherwise add it.' for "add it.", or 'Add it.' when nothing is close."""
    near = did_you_mean(name, known)
    return f"{near}Otherwise {fix}" if near else fix[:1].upper() + fix[1:]
