"""Specs: what an author declares, as plain data. The server draws, plans and explains a pipeline from these alone."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from importlib import import_module
from typing import TYPE_CHECKING, Any

from headwater.model.errors import CheckError, ConflictingDependencies, InvalidAssetKey, InvalidDefinitionError
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from headwater.model.named_arguments import spelling_checked

if TYPE_CHECKING:
    from headwater.model.partitions import PartitionMapping, PartitionsDefinition

DEFAULT_GROUP_NAME = "default"
KIND_TAG_PREFIX = "headwater/kind/"

_GROUP = re.compile(r"^[A-Za-z0-9_/\-]+$")
_TAG_KEY = re.compile(r"^([A-Za-z0-9_.\-]{1,63}/)?([A-Za-z0-9_.\-/]{1,63})$")
_NAME = re.compile(r"^[A-Za-z0-9_]+$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_UNSET: Any = object()


class AssetExecutionType(Enum):
    """What Headwater can do with an asset: build it, observe it, or only know of it."""

    MATERIALIZATION = "MATERIALIZATION"
    OBSERVATION = "OBSERVATION"
    UNEXECUTABLE = "UNEXECUTABLE"


def checked_name(name: str, what: str) -> str:
    """Return the name, or raise InvalidDefinitionError when it is not made of letters, digits and underscores."""
    if not isinstance(name, str) or not _NAME.match(name):
        raise InvalidDefinitionError(
            what=f"{name!r} is not a valid name for {what}.",
            why="Names are used in keys, files and the selection language.",
            fix="Use letters, digits and underscores only.",
        )
    return name


def checked_kind(value: Any, module: str, kind: str, of: str) -> None:
    """Raise CheckError when a value is not of the class `kind` of `module`, which is loaded only here."""
    expected = getattr(import_module(module), kind)
    if not isinstance(value, expected):
        raise CheckError(
            what=f"{of} was given {value!r}, {kind_of(value)}.",
            why=f"It takes {'an' if kind[0] in 'AEIOU' else 'a'} {kind}.",
            fix=f"Give one, such as {_EXAMPLES.get(kind, kind + '(...)')}.",
        )


_EXAMPLES = {
    "PartitionsDefinition": 'DailyPartitionsDefinition(start_date="2024-01-01")',
    "AutomationCondition": "AutomationCondition.eager()",
    "FreshnessPolicy": "FreshnessPolicy.time_window(fail_window=timedelta(days=1))",
    "RetryPolicy": "RetryPolicy(max_retries=3, delay=1)",
    "BackfillPolicy": "BackfillPolicy.single_run()",
}


def several(value: Any, of: str) -> Any:
    """Return a collection as it is; raise CheckError for a text, whose letters would be taken one by one."""
    if isinstance(value, (str, bytes)):
        raise CheckError(
            what=f"{of} was given the text {value!r}.",
            why="It takes several, and the letters of a text would be taken one by one.",
            fix=f"Write [{value!r}].",
        )
    return value


def checked_metadata(metadata: Mapping[str, Any] | None, of: str) -> Mapping[str, Any]:
    """Return metadata; raise CheckError when it is no mapping, or a name in it is no text."""
    if not metadata:
        return {}
    if not isinstance(metadata, Mapping):
        raise CheckError(
            what=f"metadata= of {of} was given {metadata!r}, {kind_of(metadata)}.",
            why="Metadata has names and values.",
            fix='Write metadata={"name": value}.',
        )
    for name in metadata:
        if not isinstance(name, str):
            raise CheckError(
                what=f"metadata= of {of} has the name {name!r}, {kind_of(name)}.",
                why="Metadata is stored and shown by name.",
                fix=f"Write {str(name)!r}.",
            )
    from headwater.model.tags import Metadata

    return Metadata(metadata)


def checked_tags(tags: Mapping[str, Any] | None, of: str) -> Mapping[str, str]:
    """Return tags as text by text; raise InvalidDefinitionError that names the bad one."""
    if not tags:
        return {}
    for key, value in tags.items():
        if not isinstance(key, str) or not _TAG_KEY.match(key):
            raise InvalidDefinitionError(
                what=f"{key!r} is not a valid tag key on {of}.",
                why="Tags are used in selections and filters.",
                fix='Use letters, digits, "_", "-" and ".", with at most one prefix: "team/domain".',
            )
        if not isinstance(value, str):
            raise InvalidDefinitionError(
                what=f"Tag {key!r} on {of} has the value {value!r} ({type(value).__name__}).",
                why="Tags are text, so that they can be selected and filtered.",
                fix=f"Write str({value!r}), or use metadata for values that are not text.",
            )
    return dict(tags)


def checked_owners(owners: Sequence[str] | None, of: str) -> tuple[str, ...]:
    """Return owners; each is an e-mail address or "team:NAME"."""
    for owner in several(owners, f"owners= of {of}") or ():
        if not isinstance(owner, str) or not (_EMAIL.match(owner) or (owner.startswith("team:") and owner[5:])):
            raise InvalidDefinitionError(
                what=f"{owner!r} is not a valid owner of {of}.",
                why="Owners are shown and notified.",
                fix='Write an e-mail address, or a team as "team:data".',
            )
    return tuple(owners or ())


class AssetDep:
    """One upstream asset, how its partitions map to those of the asset that depends on it, and what is said of the edge."""

    __slots__ = ("asset_key", "metadata", "partition_mapping")

    def __init__(
        self,
        asset: Any,
        *,
        partition_mapping: PartitionMapping | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.asset_key = key_of(asset)
        self.partition_mapping = partition_mapping
        self.metadata: Mapping[str, Any] = (
            checked_metadata(metadata, f'the dependency on "{self.asset_key}"') if metadata else {}
        )

    @staticmethod
    def from_coercible(value: Any) -> AssetDep:
        return value if isinstance(value, AssetDep) else AssetDep(value)

    def __repr__(self) -> str:
        return f"AssetDep({str(self.asset_key)!r})"

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, AssetDep)
            and other.asset_key == self.asset_key
            and other.partition_mapping == self.partition_mapping
            and other.metadata == self.metadata
        )

    def __hash__(self) -> int:
        return hash(self.asset_key)


def key_of(asset: Any) -> AssetKey:
    if isinstance(asset, (str, AssetKey, list, tuple)):
        return AssetKey.from_coercible(asset)
    keys = getattr(asset, "keys", None)
    if keys is not None and not isinstance(asset, Mapping):
        all_keys = list(keys() if callable(keys) else keys)
        if len(all_keys) != 1:
            named = ", ".join(f'"{key}"' for key in all_keys)
            raise InvalidDefinitionError(
                what=f"A dependency was given as a definition of {len(all_keys)} assets ({named}).",
                why="It does not say which of them is meant.",
                fix="Name one: AssetDep(AssetKey(...)).",
            )
        return AssetKey.from_coercible(all_keys[0])
    return AssetKey.from_coercible(asset)


class Deps(tuple[AssetDep, ...]):
    """Dependencies that are known to be one for each upstream, so that they need not be looked through again."""

    __slots__ = ()


def coerce_deps(deps: Iterable[Any] | None) -> tuple[AssetDep, ...]:
    """Return dependencies in the order in which they were given; one that is a multi-asset means all of its assets."""
    if type(deps) is Deps:
        return deps
    if not deps:
        return ()
    found: dict[AssetKey, AssetDep] = {}
    for dep in several(deps, "deps="):
        if isinstance(dep, AssetDep):
            one = dep
        elif isinstance(dep, (str, AssetKey)):
            one = AssetDep(dep)
        else:
            many = getattr(dep, "keys", None)
            if many is not None and not isinstance(dep, Mapping):
                for key in many() if callable(many) else many:
                    found.setdefault(key, AssetDep(key))
                continue
            one = _dep_of(dep)
        if one.asset_key in found and found[one.asset_key] != one:
            raise ConflictingDependencies(
                what=f'"{one.asset_key}" is given twice in deps, with different partition mappings.',
                why="One edge has one mapping.",
                fix="Keep one of them.",
            )
        found[one.asset_key] = one
    return Deps(found.values())


def _dep_of(dep: Any) -> AssetDep:
    try:
        return AssetDep(dep)
    except InvalidAssetKey as error:
        if isinstance(dep, (list, tuple)):
            raise
        shown = f"the function {dep.__name__}" if callable(dep) and hasattr(dep, "__name__") else repr(dep)
        raise InvalidDefinitionError(
            what=f"deps= was given {shown}, {kind_of(dep)}, which names no asset.",
            why="An asset depends on assets.",
            fix="Put @asset above the function." if callable(dep) else "Give a key, a spec or an asset.",
        ) from error


class AssetSpec:
    """An asset as data: its key, what it depends on, and what is said of it. `replace_attributes` makes another."""

    __slots__ = (
        "automation_condition",
        "code_version",
        "deps",
        "description",
        "freshness_policy",
        "group_name",
        "key",
        "metadata",
        "owners",
        "partitions_def",
        "skippable",
        "tags",
    )

    @spelling_checked
    def __init__(
        self,
        key: CoercibleToAssetKey,
        *,
        deps: Iterable[Any] | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        skippable: bool = False,
        group_name: str | None = None,
        code_version: str | None = None,
        automation_condition: Any = None,
        owners: Sequence[str] | None = None,
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] | None = None,
        partitions_def: PartitionsDefinition[Any] | None = None,
        freshness_policy: Any = None,
        former_keys: Iterable[CoercibleToAssetKey] | None = None,
    ) -> None:
        self.key = AssetKey.from_coercible(key)
        self.deps = coerce_deps(deps) if deps else ()
        self.description = description
        self.metadata: Mapping[str, Any] = checked_metadata(metadata, f'"{self.key}"') if metadata else {}
        if former_keys:
            self.metadata = with_former_keys(self.metadata, former_keys, self.key)
        self.skippable = skippable
        if group_name is not None and not _GROUP.match(group_name):
            raise InvalidDefinitionError(
                what=f'{group_name!r} is not a valid group name of "{self.key}".',
                why="Groups are used in the selection language.",
                fix='Use letters, digits, "_", "-" and "/".',
            )
        self.group_name = group_name
        self.code_version = code_version
        self.automation_condition = automation_condition
        self.owners = checked_owners(owners, f'"{self.key}"') if owners else ()
        all_tags = checked_tags(tags, f'"{self.key}"') if tags else {}
        if kinds:
            several(kinds, f'kinds= of "{self.key}"')
            all_tags = {**all_tags, **{f"{KIND_TAG_PREFIX}{kind}": "" for kind in kinds}}
            if len(set(kinds)) > 10:
                raise InvalidDefinitionError(
                    what=f'"{self.key}" has more than ten kinds.',
                    why="Kinds are drawn on the asset, and more cannot be read.",
                    fix="Use tags for the rest.",
                )
        self.tags: Mapping[str, str] = all_tags
        self.partitions_def = partitions_def
        self.freshness_policy = freshness_policy
        if partitions_def is not None:
            checked_kind(
                partitions_def, "headwater.model.partitions", "PartitionsDefinition", f'partitions_def= of "{self.key}"'
            )
        if automation_condition is not None:
            checked_kind(
                automation_condition,
                "headwater.model.conditions",
                "AutomationCondition",
                f'automation_condition= of "{self.key}"',
            )
        if freshness_policy is not None:
            checked_kind(
                freshness_policy, "headwater.model.freshness", "FreshnessPolicy", f'freshness_policy= of "{self.key}"'
            )

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(tag[len(KIND_TAG_PREFIX) :] for tag in self.tags if tag.startswith(KIND_TAG_PREFIX))

    @property
    def former_keys(self) -> tuple[AssetKey, ...]:
        """What the asset was called before: its history is found under these and becomes its own."""
        listed = self.metadata.get(FORMER_KEYS_METADATA) if self.metadata else None
        return () if listed is None else tuple(AssetKey.parse(text) for text in getattr(listed, "value", listed))

    @property
    def group(self) -> str:
        """The group, "default" when none was given."""
        return self.group_name or DEFAULT_GROUP_NAME

    @property
    def partition_mappings(self) -> Mapping[AssetKey, Any]:
        """The partition mapping to each upstream asset that has one, by key."""
        return {dep.asset_key: dep.partition_mapping for dep in self.deps if dep.partition_mapping is not None}

    def _replace(self, **changes: Any) -> AssetSpec:
        """As `replace_attributes`, under the name that named tuples have for it."""
        return self.replace_attributes(**changes)

    def replace_attributes(self, **changes: Any) -> AssetSpec:
        """Return a spec in which each attribute that is named here has the value given here."""
        unknown = set(changes) - {*self.__slots__, "kinds", "former_keys"}
        if unknown:
            raise CheckError(
                what=f"AssetSpec has no attribute {', '.join(sorted(unknown))}.",
                why="Nothing was changed.",
                fix=f"The attributes are: {', '.join(self.__slots__)}, kinds.",
            )
        kept = {name: getattr(self, name) for name in self.__slots__}
        if "kinds" in changes and "tags" not in changes:
            kept["tags"] = {tag: text for tag, text in self.tags.items() if not tag.startswith(KIND_TAG_PREFIX)}
        elif "tags" in changes and "kinds" not in changes:
            changes["kinds"] = self.kinds
        return AssetSpec(**{**kept, **changes})

    def merge_attributes(
        self,
        *,
        deps: Iterable[Any] = (),
        metadata: Mapping[str, Any] | None = None,
        owners: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        kinds: Iterable[str] = (),
    ) -> AssetSpec:
        """Return a spec to which these are added; a key that is there already gets the value given here."""
        return self.replace_attributes(
            deps=[*self.deps, *coerce_deps(deps)],
            metadata={**self.metadata, **(metadata or {})},
            owners=[*self.owners, *owners],
            tags={**self.tags, **(tags or {})},
            kinds={*self.kinds, *kinds},
        )

    def with_io_manager_key(self, io_manager_key: str) -> AssetSpec:
        """Return a spec whose value is loaded with this IO manager when a downstream asset asks for it."""
        return self.replace_attributes(metadata={**self.metadata, IO_MANAGER_KEY_METADATA: io_manager_key})

    def _state(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetSpec) and other._state() == self._state()

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return f"AssetSpec({str(self.key)!r})"


IO_MANAGER_KEY_METADATA = "headwater/io_manager_key"
FORMER_KEYS_METADATA = "headwater/former_keys"


def with_former_keys(
    metadata: Mapping[str, Any], former_keys: Iterable[CoercibleToAssetKey], key: AssetKey
) -> Mapping[str, Any]:
    """Return metadata that also says what an asset was called before. Written keys may have several parts: "sales/orders".

    Raises InvalidDefinitionError when the asset's own key is among them.
    """
    given = several(former_keys, f'former_keys= of "{key}"')
    keys = [AssetKey.parse(each) if isinstance(each, str) else AssetKey.from_coercible(each) for each in given]
    if key in keys:
        raise InvalidDefinitionError(
            what=f'"{key}" names its own key in former_keys.',
            why="It would have to become itself.",
            fix="Name only keys that it had before.",
        )
    return checked_metadata({**metadata, FORMER_KEYS_METADATA: [str(each) for each in keys]}, f'"{key}"')


class AssetCheckSpec:
    """A check as data: what it is called, which asset it is about, and whether a failure stops what is downstream."""

    __slots__ = (
        "additional_deps",
        "asset_key",
        "automation_condition",
        "blocking",
        "description",
        "metadata",
        "name",
        "partitions_def",
    )

    @spelling_checked
    def __init__(
        self,
        name: str,
        *,
        asset: Any,
        description: str | None = None,
        additional_deps: Iterable[Any] | None = None,
        blocking: bool = False,
        metadata: Mapping[str, Any] | None = None,
        automation_condition: Any = None,
        partitions_def: PartitionsDefinition[Any] | None = None,
    ) -> None:
        self.name = checked_name(name, "an asset check")
        self.asset_key = key_of(asset)
        self.description = description
        self.additional_deps = coerce_deps(additional_deps)
        self.blocking = blocking
        self.metadata: Mapping[str, Any] = metadata or {}
        self.automation_condition = automation_condition
        self.partitions_def = partitions_def
        for dep in self.additional_deps:
            if dep.asset_key == self.asset_key:
                raise InvalidDefinitionError(
                    what=f'Check "{name}" names "{self.asset_key}" both as its asset and in additional_deps.',
                    why="A check depends on its asset already.",
                    fix="Leave it out of additional_deps.",
                )

    @property
    def key(self) -> AssetCheckKey:
        return AssetCheckKey(self.asset_key, self.name)

    def replace_key(self, key: AssetCheckKey) -> AssetCheckSpec:
        return self.replace_attributes(name=key.name, asset=key.asset_key)

    def replace_attributes(self, **changes: Any) -> AssetCheckSpec:
        kept = {name: getattr(self, name) for name in self.__slots__ if name != "asset_key"}
        kept["asset"] = self.asset_key
        return AssetCheckSpec(**{**kept, **changes})

    def with_metadata(self, metadata: Mapping[str, Any]) -> AssetCheckSpec:
        return self.replace_attributes(metadata=metadata)

    def get_python_identifier(self) -> str:
        return f"{self.asset_key.to_python_identifier()}_{self.name}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AssetCheckSpec) and all(
            getattr(self, name) == getattr(other, name) for name in self.__slots__
        )

    def __hash__(self) -> int:
        return hash((self.asset_key, self.name))

    def __repr__(self) -> str:
        return f"AssetCheckSpec({self.name!r}, asset={str(self.asset_key)!r})"
