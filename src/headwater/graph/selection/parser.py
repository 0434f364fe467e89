"""Text to selection, by recursive descent.

    either    = both { ("or" | "," | nothing at all) both }
    both      = [ "not" ] step { "and" [ "not" ] step }
    step      = [ [number] "+" ] part [ "+" [number] ]
    part      = "(" either ")" | function "(" either ")" | field ":" value | name | "*"

"a and not b" is a without b; "not b" alone is everything without b.
"""

from __future__ import annotations

from collections.abc import Callable

from headwater.graph.selection.lexer import EXAMPLE, Token, pieces_between_stars, tokens_of, unquoted
from headwater.graph.selection.printer import CALL_BY_CLAUSE
from headwater.graph.selection.tree import (
    All,
    AllChecks,
    AssetSelection,
    Checks,
    ChecksFor,
    CodeLocation,
    Groups,
    KeyPattern,
    KeyPrefixes,
    Keys,
    KeySubstring,
    Kind,
    Named,
    Owner,
    Tag,
    any_of,
)
from headwater.model.errors.definition import InvalidAssetKey
from headwater.model.errors.graph import SelectionSyntaxError
from headwater.model.errors.root import did_you_mean
from headwater.model.keys import AssetCheckKey, AssetKey

CLAUSE_BY_CALL = {call: clause for clause, call in CALL_BY_CLAUSE.items()}
INCLUDE_SOURCES = "include_sources"
CALLS = (*CLAUSE_BY_CALL, INCLUDE_SOURCES)
FIELDS = (
    "key",
    "group",
    "tag",
    "kind",
    "owner",
    "code_location",
    "key_prefix",
    "key_substring",
    "check",
    "checks_for",
)
MAX_NESTING = 50


def parse(text: str, *, include_sources: bool = False) -> AssetSelection:
    """Return the selection that the text says; raise SelectionSyntaxError with its place where it says nothing."""
    return _Parser(text, include_sources).whole()


class _Parser:
    def __init__(self, text: str, include_sources: bool) -> None:
        self.text = text
        self.tokens = tokens_of(text)
        self.at = 0
        self.include_sources = include_sources
        self.nesting = 0

    # Tokens

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    @property
    def following(self) -> Token:
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    @property
    def previous_end(self) -> int:
        return self.tokens[self.at - 1].end if self.at else -1

    def take(self) -> Token:
        token = self.token
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def error(self, problem: str, token: Token | None = None, example: str = EXAMPLE) -> SelectionSyntaxError:
        at = token or self.token
        return SelectionSyntaxError(self.text, at.start, at.end - at.start, problem, example)

    # Operators

    def whole(self) -> AssetSelection:
        if self.token.kind == "end":
            raise self.error("The selection is empty.", example=f"{EXAMPLE}; everything is *")
        selection = self.either()
        if self.token.kind == ")":
            raise self.error("This parenthesis closes none that was opened.")
        if self.token.kind != "end":
            raise self.error(f'"{self.token.text}" is not expected here.')
        return selection

    def either(self) -> AssetSelection:
        operands = [self.both()]
        while True:
            if self.token.keyword == "or" or self.token.kind == ",":
                self.take()
                operands.append(self.both())
            elif self.token.keyword == "not":
                raise self.error(
                    '"not" follows a selection, and it is not said how.',
                    example='a and not b (a without b), or "a or not b"',
                )
            elif self.begins_operand(self.token):
                operands.append(self.both())
            else:
                return any_of(*operands)

    def both(self) -> AssetSelection:
        selection = self.negated() if self.token.keyword == "not" else self.step()
        while self.token.keyword == "and":
            self.take()
            if self.token.keyword == "not":
                self.take()
                selection = selection - self.operand_of_not()
            else:
                selection = selection & self.step()
        return selection

    def negated(self) -> AssetSelection:
        self.take()
        return All(self.include_sources) - self.operand_of_not()

    def operand_of_not(self) -> AssetSelection:
        return self.deeper(self.negated) if self.token.keyword == "not" else self.step()

    # Steps up and down

    def step(self) -> AssetSelection:
        first = self.token
        up: int | None = 0
        if self.token.is_number and self.following.kind == "+":
            up = int(self.take().text)
            self.take()
        elif self.token.kind == "+":
            self.take()
            up = None
        if self.token.kind == "+" and first.kind == "+":
            raise self.error(
                "A number says how many steps to go up.", example="2+orders (two steps), +orders (all the way)"
            )
        starred = self.token.kind == "word" and "*" in self.token.text and self.token.text != "*"
        begin = self.at
        selection = self.part()
        starred = starred and self.at == begin + 1
        down = self.steps_down()
        if starred and (up != 0 or down != 0):
            raise self.error(
                "A * and a + at one name mean the same; write one of them.", self.tokens[begin], "+orders or orders+"
            )
        if up == 0 and down == 0:
            return selection
        if down == 0:
            return selection.upstream(up)
        if up == 0:
            # "0+x" and "x" are one thing, as are "0+x+2" and "x+2".
            return selection.downstream(down)
        return any_of(selection.upstream(up), selection.downstream(down))

    def steps_down(self) -> int | None:
        """Read what follows a part: "+" for all the way down, "+2" for two steps, nothing for none."""
        plus, after = self.token, self.following
        if plus.kind != "+":
            return 0
        touches_left, touches_right = plus.start == self.previous_end, after.start == plus.end
        if touches_left and touches_right and after.is_number:
            self.take()
            depth = int(self.take().text)
            if self.token.kind == "+" and self.token.start == self.previous_end:
                raise self.error("There is one + too many here.", example="2+orders+2")
            return depth
        if after.kind == "+" and touches_left:
            raise self.error(
                "A number says how many steps to go down.", after, "orders+2 (two steps), orders+ (all the way)"
            )
        if not self.begins_operand(after) or (touches_left and not touches_right):
            self.take()
            return None
        if touches_right and not touches_left:
            return 0  # it belongs to what comes next
        raise self.error(
            "This + could belong to what is before it or to what is after it.",
            example="orders+ or customers (downstream of orders), orders or +customers (upstream of customers)",
        )

    def begins_operand(self, token: Token) -> bool:
        return token.kind in ("word", "string", "(", "+") and token.keyword is None

    # Parts

    def part(self) -> AssetSelection:
        token, after = self.token, self.following
        if token.kind == "(":
            return self.parenthesised()
        if token.kind == "word" and token.keyword is None:
            if after.kind == ":" and after.start == token.end:
                return self.clause()
            if after.kind == "(" and (token.text in CALLS or after.start == token.end):
                return self.call()
            return self.name()
        if token.kind == "string":
            self.take()
            return Named(self.said(token, "a name"))
        if token.kind == "end":
            raise self.error("The selection ends where a name or a clause should follow.")
        raise self.error(f'"{token.text}" is not expected here; a name or a clause should follow.')

    def parenthesised(self) -> AssetSelection:
        opened = self.take()
        if self.token.kind == ")":
            raise self.error("There is nothing between these parentheses.", opened)
        selection = self.deeper(self.either)
        if self.token.kind != ")":
            raise (
                self.error("This parenthesis is never closed.", opened)
                if self.token.kind == "end"
                else self.error(f'"{self.token.text}" is not expected here.')
            )
        self.take()
        return selection

    def deeper(self, read: Callable[[], AssetSelection]) -> AssetSelection:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise self.error(f"The selection is nested more than {MAX_NESTING} deep.")
        selection = read()
        self.nesting -= 1
        return selection

    def call(self) -> AssetSelection:
        function = self.take()
        if function.text not in CALLS:
            raise self.error(
                f'There is no function "{function.text}". {did_you_mean(function.text, CALLS)}'.rstrip(),
                function,
                "sinks(group:silver)",
            )
        if function.text == INCLUDE_SOURCES:
            outside, self.include_sources = self.include_sources, True
            selection = self.parenthesised()
            self.include_sources = outside
            return selection
        return CLAUSE_BY_CALL[function.text](self.parenthesised())  # type: ignore[call-arg]

    def name(self) -> AssetSelection:
        token = self.take()
        if token.is_number:
            raise self.error(
                f"The number {token.text} should be followed or preceded by a + and a name, without spaces.",
                token,
                f'{token.text}+orders; an asset of this name is "{token.text}", in quotes',
            )
        if token.text == "*":
            return All(self.include_sources)
        if "*" not in token.text:
            return Named(token.text)
        name = token.text.strip("*")
        if "*" in name or name.startswith("/") or name.endswith("/") or not name:
            raise self.error("Wildcards are for keys: write key: before it.", token, f"key:{token.text}")
        named = Named(name)
        # The field's older way of writing "+orders" and "orders+".
        up = named.upstream() if token.text.startswith("*") else None
        down = named.downstream() if token.text.endswith("*") else None
        return any_of(*(one for one in (up, down) if one is not None))

    def clause(self) -> AssetSelection:
        field = self.take()
        self.take()
        if field.text not in FIELDS:
            raise self.error(
                f'Assets cannot be selected by "{field.text}". '
                + (did_you_mean(field.text, FIELDS).rstrip() or f"They can be by {', '.join(FIELDS)}."),
                field,
                "group:silver",
            )
        first = self.token
        if first.kind == "null":
            return self.null(field)
        value = self.value(field)
        if field.text == "key":
            pieces = pieces_between_stars(value)
            return KeyPattern(pieces) if len(pieces) > 1 else Keys((self.key(value),))
        said = self.said(value, f"a value for {field.text}")
        if value.kind == "word" and "*" in said and not (field.text == "check" and said == "*"):
            raise self.error(
                f"Wildcards are for keys, not for {field.text}; quote the * if it is part of the value.",
                value,
                'key:"sales/*"',
            )
        flag = self.include_sources
        match field.text:
            case "group":
                return Groups((said,), flag)
            case "tag":
                return self.tag(said)
            case "kind":
                return Kind(said, flag)
            case "owner":
                return Owner(said)
            case "code_location":
                return CodeLocation(said)
            case "key_prefix":
                return KeyPrefixes((self.key(value),), flag)
            case "key_substring":
                return KeySubstring(said, flag)
            case "checks_for":
                return ChecksFor((self.key(value),))
            case _:
                return AllChecks() if value.kind == "word" and said == "*" else Checks((self.check_key(value),))

    def value(self, field: Token) -> Token:
        """Read what stands behind a colon. Words that are joined by colons are one value: owner:team:data."""
        token = self.token
        if token.kind not in ("word", "string"):
            raise self.error(f'A value should follow "{field.text}:".', example=f"{field.text}:silver")
        self.take()
        end = token.end
        while token.kind == "word" and self.token.kind == ":" and self.token.start == end:
            colon = self.take()
            if self.token.kind != "word" or self.token.start != colon.end:
                raise self.error("A value does not end in a colon; put it in quotes if it does.", colon)
            end = self.take().end
        return token if token.kind == "string" else Token("word", self.text[token.start : end], token.start, end)

    def tag(self, key: str) -> AssetSelection:
        if self.token.kind != "=":
            return Tag(key, None, self.include_sources)
        equals = self.take()
        if self.token.kind == "string":
            return Tag(key, unquoted(self.take()), self.include_sources)
        if self.token.kind != "word":
            raise self.error("A value should follow this =.", equals, "tag:layer=bronze")
        return Tag(key, self.said(self.value(equals), "a value"), self.include_sources)

    def null(self, field: Token) -> AssetSelection:
        null = self.take()
        if field.text == "kind":
            return Kind(None, self.include_sources)
        if field.text == "owner":
            return Owner(None)
        raise self.error(f"<null> is for kind and owner, not for {field.text}.", null, "owner:<null>")

    def key(self, token: Token) -> AssetKey:
        try:
            return AssetKey.parse(unquoted(token))
        except InvalidAssetKey:
            raise self.error("This is no asset key: it has an empty part.", token, 'key:"sales/orders"') from None

    def check_key(self, token: Token) -> AssetCheckKey:
        asset, colon, name = unquoted(token).rpartition(":")
        if not colon or not name:
            raise self.error("A check is named by its asset and its own name.", token, 'check:"sales/orders:no_nulls"')
        try:
            return AssetCheckKey(AssetKey.parse(asset), name)
        except InvalidAssetKey:
            raise self.error("This is no asset key: it has an empty part.", token, 'check:"orders:no_nulls"') from None

    def said(self, token: Token, what: str) -> str:
        said = unquoted(token)
        if not said:
            raise self.error(f"These quotes are empty, and {what} should be in them.", token)
        return said
