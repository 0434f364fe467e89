"""What a selection is: a frozen value, made in Python or read from text, that says which assets and checks are meant.

Two ways of saying the same end in equal values, and `AssetSelection.from_string(str(selection)) == selection` holds for
every selection. A selection knows no graph until it is resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from headwater.model.errors.definition import CheckError
from headwater.model.keys import AssetCheckKey, AssetKey

if TYPE_CHECKING:
    from headwater.graph.asset_graph import AssetGraph
    from headwater.graph.selection.resolution import EmptyClause


class AssetSelection:
    """Which assets, and which of their checks, are meant. Combine with `|`, `&` and `-`; frozen.

    Wherever a key is asked for, a string is read as its written form: "sales/orders" has two parts. Clauses leave out
    assets that cannot be materialized, unless they are named by key or owner, or `include_sources` is set.
    """

    __slots__ = ()

    # Clauses

    @staticmethod
    def all(include_sources: bool = False) -> AssetSelection:
        """Select every asset that can be materialized, and with `include_sources` every other one too."""
        return All(include_sources)

    @staticmethod
    def all_asset_checks() -> AssetSelection:
        """Select every check and no asset."""
        return AllChecks()

    @staticmethod
    def assets(*assets_defs: Any) -> AssetSelection:
        """Select the assets of these definitions or keys; a multi-asset means all of its assets."""
        return _of_many(Keys, (key for one in assets_defs for key in keys_meant_by(one)))

    @staticmethod
    def keys(*asset_keys: Any) -> AssetSelection:
        """Select the assets with these keys. Resolving raises UnknownInSelection when one is not in the graph."""
        return _of_many(Keys, (key for one in asset_keys for key in keys_meant_by(one)))

    @staticmethod
    def groups(*group_strs: str, include_sources: bool = False) -> AssetSelection:
        """Select the assets in these groups; an asset that states none is in the group "default"."""
        return _of_many(Groups, group_strs, include_sources=include_sources)

    @staticmethod
    def tag(key: str, value: str, include_sources: bool = False) -> AssetSelection:
        """Select the assets that carry the tag with exactly this value."""
        return Tag(key, value, include_sources)

    @staticmethod
    def tag_string(string: str, include_sources: bool = False) -> AssetSelection:
        """Select by a tag written "key=value", or "key" for any value."""
        key, equals, value = string.partition("=")
        return Tag(key, value if equals else None, include_sources)

    @staticmethod
    def kind(kind: str | None, include_sources: bool = False) -> AssetSelection:
        """Select the assets of a kind, or with None those that state no kind."""
        return Kind(kind, include_sources)

    @staticmethod
    def owner(owner: str | None) -> AssetSelection:
        """Select the assets of an owner, or with None those that have none."""
        return Owner(owner)

    @staticmethod
    def checks(*assets_defs_or_check_keys: Any) -> AssetSelection:
        """Select these checks, given by key or as definitions that have checks, and no asset."""
        return _of_many(Checks, (key for one in assets_defs_or_check_keys for key in _check_keys_meant_by(one)))

    @staticmethod
    def checks_for_assets(*assets_defs: Any) -> AssetSelection:
        """Select all checks of these assets, and no asset."""
        return _of_many(ChecksFor, (key for one in assets_defs for key in keys_meant_by(one)))

    @staticmethod
    def key_prefixes(*key_prefixes: Any, include_sources: bool = False) -> AssetSelection:
        """Select the assets whose key begins with the parts of one of these prefixes."""
        prefixes = (AssetKey(tuple(p.split("/")) if isinstance(p, str) else tuple(p)) for p in key_prefixes)
        return _of_many(KeyPrefixes, prefixes, include_sources=include_sources)

    @staticmethod
    def key_substring(key_substring: str, include_sources: bool = False) -> AssetSelection:
        """Select the assets whose written key contains this text."""
        return KeySubstring(key_substring, include_sources)

    # What follows from a selection

    def upstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """Add what is upstream and can be materialized, at most `depth` edges away.

        With `include_self=False` the selected assets themselves are left out.
        """
        grown = self if depth is not None and depth <= 0 else Upstream(self, depth)
        return grown if include_self else grown - self

    def downstream(self, depth: int | None = None, include_self: bool = True) -> AssetSelection:
        """Add what is downstream, at most `depth` edges away; without the selected assets if not `include_self`."""
        grown = self if depth is not None and depth <= 0 else Downstream(self, depth)
        return grown if include_self else grown - self

    def roots(self) -> AssetSelection:
        """Keep the assets that are downstream of none of the others."""
        return Roots(self)

    def sources(self) -> AssetSelection:
        """Keep the assets that are downstream of none of the others; the same as `roots`."""
        return Roots(self)

    def sinks(self) -> AssetSelection:
        """Keep the assets that are upstream of none of the others."""
        return Sinks(self)

    def required_multi_asset_neighbors(self) -> AssetSelection:
        """Add the assets that can only be materialized together with those selected."""
        return RequiredNeighbors(self)

    def upstream_source_assets(self) -> AssetSelection:
        """Select, instead, the assets among these and upstream of them that cannot be materialized."""
        return UpstreamSources(self)

    def materializable(self) -> AssetSelection:
        """Keep the assets that can be materialized."""
        return Materializable(self)

    def without_checks(self) -> AssetSelection:
        """Keep the assets and leave out all checks."""
        return WithoutChecks(self)

    def __or__(self, other: AssetSelection) -> AssetSelection:
        return any_of(self, other) if isinstance(other, AssetSelection) else NotImplemented

    def __and__(self, other: AssetSelection) -> AssetSelection:
        if not isinstance(other, AssetSelection):
            return NotImplemented
        return And((*(self.operands if isinstance(self, And) else (self,)), *_operands_after_first(other)))

    def __sub__(self, other: AssetSelection) -> AssetSelection:
        return Difference(self, other) if isinstance(other, AssetSelection) else NotImplemented

    # To and from text

    @classmethod
    def from_string(cls, string: str, include_sources: bool = False) -> AssetSelection:
        """Read a selection in the selection language; raise SelectionSyntaxError where it makes no sense."""
        from headwater.graph.selection.parser import parse

        return parse(string, include_sources=include_sources)

    @classmethod
    def from_coercible(cls, selection: Any) -> AssetSelection:
        """Read a selection from text, a key, a definition, or a sequence of these, which means any of them."""
        if isinstance(selection, AssetSelection):
            return selection
        if isinstance(selection, str):
            return cls.from_string(selection)
        if isinstance(selection, AssetCheckKey):
            return cls.checks(selection)
        if isinstance(selection, AssetKey) or _has_keys(selection):
            return cls.assets(selection)
        if isinstance(selection, Iterable) and not isinstance(selection, Mapping):
            parts = [cls.from_coercible(one) for one in selection]
            return any_of(*parts) if parts else NOTHING
        raise CheckError(
            what=f"{selection!r} is not a selection of assets.",
            why="It is neither text, nor a key, nor a definition of assets, nor a sequence of these.",
            fix='Write "orders+", AssetSelection.keys("orders").downstream(), or a list of assets.',
        )

    def to_selection_str(self) -> str:
        """Return the selection in the selection language, in canonical form."""
        from headwater.graph.selection.printer import printed

        return printed(self)

    def __str__(self) -> str:
        return self.to_selection_str()

    def __repr__(self) -> str:
        return f"AssetSelection.from_string({self.to_selection_str()!r})"

    # Meeting a graph

    def resolve(self, all_assets: AssetGraph | Iterable[Any], allow_missing: bool = False) -> frozenset[AssetKey]:
        """Return the selected assets of a graph, or of an iterable of definitions.

        Raises UnknownInSelection when the selection names a key that is not there, unless `allow_missing`. Any other
        clause may match nothing; `resolve_nonempty` minds that.
        """
        from headwater.graph.selection.resolution import resolve

        return resolve(self, all_assets, allow_missing)

    def resolve_checks(
        self, asset_graph: AssetGraph | Iterable[Any], allow_missing: bool = False
    ) -> frozenset[AssetCheckKey]:
        """Return the selected checks: all those of selected assets, where nothing else is said."""
        from headwater.graph.selection.resolution import resolve_checks

        return resolve_checks(self, asset_graph, allow_missing)

    def resolve_nonempty(self, asset_graph: AssetGraph | Iterable[Any]) -> frozenset[AssetKey]:
        """Return the selected assets; raise NothingSelected, which names the clauses at fault, when that is none."""
        from headwater.graph.selection.resolution import resolve_nonempty

        return resolve_nonempty(self, asset_graph)

    def empty_clauses(self, asset_graph: AssetGraph | Iterable[Any]) -> tuple[EmptyClause, ...]:
        """Return the clauses that match nothing by themselves, with what may have been meant."""
        from headwater.graph.selection.resolution import empty_clauses

        return empty_clauses(self, asset_graph)


@dataclass(frozen=True, slots=True, repr=False)
class All(AssetSelection):
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Named(AssetSelection):
    """An asset by its written key, or a multi-asset by its name; a key comes first where both exist."""

    name: str


@dataclass(frozen=True, slots=True, repr=False)
class KeyPattern(AssetSelection):
    """Written keys that are these texts with anything between them."""

    pieces: tuple[str, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Keys(AssetSelection):
    names: tuple[AssetKey, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Groups(AssetSelection):
    names: tuple[str, ...]
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class KeyPrefixes(AssetSelection):
    names: tuple[AssetKey, ...]
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Checks(AssetSelection):
    names: tuple[AssetCheckKey, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ChecksFor(AssetSelection):
    names: tuple[AssetKey, ...]


@dataclass(frozen=True, slots=True, repr=False)
class AllChecks(AssetSelection):
    pass


@dataclass(frozen=True, slots=True, repr=False)
class Tag(AssetSelection):
    """Assets with the tag; `value` None means any value."""

    key: str
    value: str | None
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Kind(AssetSelection):
    name: str | None
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Owner(AssetSelection):
    name: str | None


@dataclass(frozen=True, slots=True, repr=False)
class CodeLocation(AssetSelection):
    name: str


@dataclass(frozen=True, slots=True, repr=False)
class KeySubstring(AssetSelection):
    text: str
    include_sources: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Or(AssetSelection):
    """Any of two or more; none of them is an Or. Made by `any_of`."""

    operands: tuple[AssetSelection, ...]


@dataclass(frozen=True, slots=True, repr=False)
class And(AssetSelection):
    """All of two or more; none of them is an And. Made by `&`."""

    operands: tuple[AssetSelection, ...]


@dataclass(frozen=True, slots=True, repr=False)
class Difference(AssetSelection):
    """The left without the right; "not x" is everything without x."""

    left: AssetSelection
    right: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class Upstream(AssetSelection):
    of: AssetSelection
    depth: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Downstream(AssetSelection):
    of: AssetSelection
    depth: int | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Roots(AssetSelection):
    of: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class Sinks(AssetSelection):
    of: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class RequiredNeighbors(AssetSelection):
    of: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class UpstreamSources(AssetSelection):
    of: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class Materializable(AssetSelection):
    of: AssetSelection


@dataclass(frozen=True, slots=True, repr=False)
class WithoutChecks(AssetSelection):
    of: AssetSelection


NOTHING: AssetSelection = Difference(All(), All())

OF_ONE = (Upstream, Downstream, Roots, Sinks, RequiredNeighbors, UpstreamSources, Materializable, WithoutChecks)
OF_NAMES = (Keys, Groups, KeyPrefixes, Checks, ChecksFor)


def any_of(*operands: AssetSelection) -> AssetSelection:
    """Return the union, in its one form: flat, with neighbouring clauses of one kind made into one clause."""
    flat: list[AssetSelection] = []
    names: dict[Any, None] = {}
    for operand in operands:
        for one in operand.operands if isinstance(operand, Or) else (operand,):
            last = flat[-1] if flat else None
            if isinstance(one, OF_NAMES):
                if last is None or with_names(one, ()) != last:
                    _name_last(flat, names)
                    flat.append(with_names(one, ()))
                    names = {}
                names.update(dict.fromkeys(one.names))
            else:
                _name_last(flat, names)
                names = {}
                flat.append(one)
    _name_last(flat, names)
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _name_last(flat: list[AssetSelection], names: Iterable[Any]) -> None:
    """Give the last clause the names that were gathered for it, if it is one that has names."""
    if flat and isinstance(flat[-1], OF_NAMES):
        flat[-1] = with_names(flat[-1], tuple(names))


def with_names(clause: AssetSelection, names: tuple[Any, ...]) -> AssetSelection:
    """Return a clause of one of OF_NAMES with other names."""
    return replace(clause, names=names)  # type: ignore[type-var]


def with_sources(clause: AssetSelection, include_sources: bool) -> AssetSelection:
    """Return a clause that has the flag with another value of it."""
    return replace(clause, include_sources=include_sources)  # type: ignore[type-var]


def _operands_after_first(selection: AssetSelection) -> tuple[AssetSelection, ...]:
    return selection.operands if isinstance(selection, And) else (selection,)


def _of_many(clause: Callable[..., AssetSelection], names: Iterable[Any], **flags: bool) -> AssetSelection:
    distinct = tuple(dict.fromkeys(names))
    return clause(distinct, **flags) if distinct else NOTHING


def _has_keys(value: Any) -> bool:
    return not isinstance(value, Mapping) and (
        hasattr(value, "keys") or isinstance(getattr(value, "key", None), AssetKey)
    )


def keys_meant_by(value: Any) -> tuple[AssetKey, ...]:
    """Return the keys in a key, its written form, its parts, or a definition of one or more assets."""
    if isinstance(value, AssetKey):
        return (value,)
    if isinstance(value, str):
        return (AssetKey.parse(value),)
    if isinstance(value, (list, tuple)):
        return (AssetKey(value),)
    keys = None if isinstance(value, Mapping) else getattr(value, "keys", None)
    if keys is not None:
        return tuple(keys() if callable(keys) else keys)
    return (AssetKey.from_coercible(value),)


def _check_keys_meant_by(value: Any) -> tuple[AssetCheckKey, ...]:
    if isinstance(value, AssetCheckKey):
        return (value,)
    for several in ("check_keys", "check_specs"):
        found = getattr(value, several, None)
        if found is not None:
            return tuple(one if isinstance(one, AssetCheckKey) else one.key for one in found)
    one = getattr(value, "key", None)
    if isinstance(one, AssetCheckKey):
        return (one,)
    raise CheckError(
        what=f"{value!r} is neither a check nor the key of one.",
        why="A selection of checks needs their keys.",
        fix='Write AssetSelection.checks(AssetCheckKey("orders", "no_nulls")), or give the check itself.',
    )
