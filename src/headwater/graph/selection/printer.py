"""A selection as text: one canonical form, with no more parentheses than it needs."""

from __future__ import annotations

import re

from headwater.graph.selection.tree import (
    OF_NAMES,
    OF_ONE,
    All,
    AllChecks,
    And,
    AssetSelection,
    Checks,
    ChecksFor,
    CodeLocation,
    Difference,
    Downstream,
    Groups,
    KeyPattern,
    KeyPrefixes,
    Keys,
    KeySubstring,
    Kind,
    Materializable,
    Named,
    Or,
    Owner,
    RequiredNeighbors,
    Roots,
    Sinks,
    Tag,
    Upstream,
    UpstreamSources,
    WithoutChecks,
    with_sources,
)

FIELD_BY_CLAUSE: dict[type[AssetSelection], str] = {
    Keys: "key",
    Groups: "group",
    KeyPrefixes: "key_prefix",
    Checks: "check",
    ChecksFor: "checks_for",
}
CALL_BY_CLAUSE: dict[type[AssetSelection], str] = {
    Roots: "roots",
    Sinks: "sinks",
    RequiredNeighbors: "required_multi_asset_neighbors",
    UpstreamSources: "upstream_source_assets",
    Materializable: "materializable",
    WithoutChecks: "without_checks",
}
PLAIN_NAME = re.compile(r"(?!(?:and|or|not)$)[A-Za-z_](?:[A-Za-z0-9_./-]*[A-Za-z0-9_.-])?", re.IGNORECASE)

# How tightly a form holds together; one that holds less tightly than its place asks for gets parentheses.
LOOSE, ANDED, NEGATED, STEPPED, WHOLE = range(5)


def printed(selection: AssetSelection) -> str:
    return _text(selection)[0]


def quoted(text: str, star: str = "*") -> str:
    """Return the text in quotes, which the parser reads back; `star` is how a "*" in it is written."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("*", star) + '"'


def _in(place: int, selection: AssetSelection) -> str:
    text, tightness = _text(selection)
    return text if tightness >= place else f"({text})"


def _text(selection: AssetSelection) -> tuple[str, int]:
    if getattr(selection, "include_sources", False):
        return f"include_sources({_text(with_sources(selection, False))[0]})", WHOLE
    if isinstance(selection, OF_NAMES):
        field = FIELD_BY_CLAUSE[type(selection)]
        star = r"\*" if isinstance(selection, (Keys, Checks)) else "*"
        texts = [f"{field}:{quoted(str(name), star)}" for name in selection.names]
        return " or ".join(texts), WHOLE if len(texts) == 1 else LOOSE
    match selection:
        case Or(operands):
            return _union(operands)
        case And() | Difference():
            return _conjunction(selection)
        case Upstream(of, depth):
            return f"{'' if depth is None else depth}+{_in(WHOLE, of)}", STEPPED
        case Downstream(of, depth):
            return f"{_in(WHOLE, of)}+{'' if depth is None else depth}", STEPPED
        case _:
            return _clause(selection), WHOLE


def _conjunction(selection: AssetSelection) -> tuple[str, int]:
    # From the last part to the first, in a loop: chains of hundreds of "and not" are made by programs.
    texts: list[str] = []
    while True:
        match selection:
            case And((first, *rest)):
                texts += [_in(WHOLE if isinstance(one, Difference) else ANDED, one) for one in reversed(rest)]
                selection = first
            case Difference(left, right):
                texts.append(f"not {_in(NEGATED, right)}")
                if left == All():
                    break
                selection = left
            case _:
                texts.append(_in(ANDED, selection))
                break
    return " and ".join(reversed(texts)), ANDED if len(texts) > 1 else NEGATED


def _union(operands: tuple[AssetSelection, ...]) -> tuple[str, int]:
    texts = []
    at = 0
    while at < len(operands):
        one, following = operands[at], operands[at + 1] if at + 1 < len(operands) else None
        if isinstance(one, Upstream) and isinstance(following, Downstream) and one.of == following.of:
            up, down = ("" if depth is None else str(depth) for depth in (one.depth, following.depth))
            texts.append(f"{up}+{_in(WHOLE, one.of)}+{down}")
            at += 2
        else:
            texts.append(_in(ANDED, one))
            at += 1
    return " or ".join(texts), STEPPED if len(texts) == 1 else LOOSE


def _clause(selection: AssetSelection) -> str:
    match selection:
        case All():
            return "*"
        case AllChecks():
            return "check:*"
        case Named(name):
            return name if PLAIN_NAME.fullmatch(name) else quoted(name)
        case KeyPattern(pieces):
            return 'key:"' + "*".join(quoted(piece, r"\*")[1:-1] for piece in pieces) + '"'
        case Tag(key, None):
            return f"tag:{quoted(key)}"
        case Tag(key, value) if value is not None:
            return f"tag:{quoted(key)}={quoted(value)}"
        case Kind(name):
            return "kind:" + ("<null>" if name is None else quoted(name))
        case Owner(name):
            return "owner:" + ("<null>" if name is None else quoted(name))
        case CodeLocation(name):
            return f"code_location:{quoted(name)}"
        case KeySubstring(text):
            return f"key_substring:{quoted(text)}"
        case _ if isinstance(selection, OF_ONE):
            return f"{CALL_BY_CLAUSE[type(selection)]}({printed(selection.of)})"
    raise AssertionError(f"no text for {type(selection).__name__}")
