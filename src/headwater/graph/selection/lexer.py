"""The words of a selection's text, each with its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from headwater.model.errors.graph import SelectionSyntaxError

EXAMPLE = 'group:silver and not key:"sales/orders"+'

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<string>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*')
    | (?P<null><null>)
    | (?P<word>[^\s()"'+,=:<>&|!;\\]+)
    | (?P<mark>[()+,=:])""",
    re.VERBOSE | re.DOTALL,
)
_MEANT_BY = {"&": "and", "|": "or", "!": "not", ";": "or"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text from `start` to `end`. `kind` is "word", "string", "null", "end", or the mark itself."""

    kind: str
    text: str
    start: int
    end: int

    @property
    def is_number(self) -> bool:
        return self.kind == "word" and self.text.isascii() and self.text.isdigit() and len(self.text) <= 1000

    @property
    def keyword(self) -> str | None:
        """ "and", "or" or "not" where the token is one of them, in small or capital letters."""
        if self.kind == "word" and (self.text.islower() or self.text.isupper()):
            small = self.text.lower()
            return small if small in ("and", "or", "not") else None
        return None


def tokens_of(text: str) -> list[Token]:
    """Return the tokens of a text, the last one of kind "end"; raise SelectionSyntaxError at what is none."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unreadable(text, at)
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(match.group() if kind == "mark" else kind, match.group(), at, match.end()))
        at = match.end()
    found.append(Token("end", "", len(text), len(text)))
    return found


def unquoted(token: Token) -> str:
    """Return what a string or a word says."""
    return re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL) if token.kind == "string" else token.text


def pieces_between_stars(token: Token) -> tuple[str, ...]:
    """Return the texts between the wildcards of a string or a word: "raw/*" is "raw/" and ""; one text where there is
    no wildcard. In a string, \\* is a star and no wildcard."""
    if token.kind == "string":
        raw = re.findall(r"\\.|[^\\]", token.text[1:-1], flags=re.DOTALL)
        pieces = [""]
        for letter in raw:
            if letter == "*":
                pieces.append("")
            else:
                pieces[-1] += letter[-1]
    else:
        pieces = token.text.split("*")
    if len(pieces) == 1:
        return tuple(pieces)
    return (pieces[0], *(piece for piece in pieces[1:-1] if piece), pieces[-1])


def _unreadable(text: str, at: int) -> SelectionSyntaxError:
    letter = text[at]
    if letter in "\"'":
        return SelectionSyntaxError(text, at, len(text) - at, f"This quote ({letter}) is never closed.", EXAMPLE)
    meant = _MEANT_BY.get(letter)
    length = 2 if text[at : at + 2] == letter * 2 else 1
    return SelectionSyntaxError(
        text,
        at,
        length,
        f'"{text[at : at + length]}" has no meaning in a selection.'
        + (f' Write "{meant}".' if meant else " Put names with such letters in quotes."),
        EXAMPLE,
    )
