"""What a user's function may return, yield or raise, beside a plain value."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, Generic, Self

from headwater.model.errors import CheckError, InvalidDefinitionError, InvariantViolationError, did_you_mean
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey
from headwater.model.metadata import MetadataValue, metadata_from_data, normalize_metadata
from headwater.model.policies import AssetCheckSeverity
from headwater.model.tags import Metadata, Tags

if TYPE_CHECKING:
    # A bare Output or MaterializeResult holds anything; before Python 3.13 only this TypeVar knows defaults.
    from typing_extensions import TypeVar

    from headwater.model.events import AssetMaterialized, AssetObserved, CheckEvaluated

    T = TypeVar("T", default=Any)
else:
    from typing import TypeVar

    T = TypeVar("T")

DEFAULT_OUTPUT = "result"
_NOT_OF_A_NAME = re.compile(r"\W+")
_MAPPING_KEY = re.compile(r"^[A-Za-z0-9_]+$")
DATA_VERSION_TAG = "headwater/data_version"
CODE_VERSION_TAG = "headwater/code_version"
INPUT_DATA_VERSION_PREFIX = "headwater/input_data_version"


class DataVersion:
    """A name for the content of an asset: equal versions mean equal content."""

    __slots__ = ("value",)

    def __init__(self, value: str) -> None:
        if not isinstance(value, str):
            raise CheckError(
                what=f"DataVersion got {value!r}, {kind_of(value)}.",
                why="Versions are compared and stored as text.",
                fix=f"Write DataVersion(str({value!r})).",
            )
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DataVersion) and other.value == self.value

    def __hash__(self) -> int:
        return hash(self.value)

    def __repr__(self) -> str:
        return f"DataVersion({self.value!r})"


def _version_text(version: DataVersion | str | None) -> str | None:
    return version.value if isinstance(version, DataVersion) else version


class _Value:
    """Equality and repr by the attributes in `__slots__`."""

    __slots__: tuple[str, ...] = ()

    def _state(self) -> tuple[Any, ...]:
        state = {name: getattr(self, name) for name in self.__slots__}
        if state.get("metadata"):
            state["metadata"] = normalize_metadata(state["metadata"])  # 1 and IntMetadataValue(1) say the same
        return tuple(state.values())

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and isinstance(other, _Value) and other._state() == self._state()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({inside})"


class _Described(_Value):
    """What carries metadata."""

    __slots__ = ()

    def with_metadata(self, metadata: Mapping[str, Any] | None) -> Self:
        """Return the same with this metadata in place of its own."""
        made: Any = copy(self)
        made.metadata = normalize_metadata(metadata) if metadata else {}
        same: Self = made
        return same


class Output(_Described, Generic[T]):
    """A value for one output, with metadata about it."""

    __slots__ = ("data_version", "metadata", "output_name", "tags", "value")

    def __init__(
        self,
        value: T,
        output_name: str = DEFAULT_OUTPUT,
        metadata: Mapping[str, Any] | None = None,
        data_version: DataVersion | None = None,
        *,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.value = value
        self.output_name = output_name
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.data_version = data_version
        self.tags: Mapping[str, str] = tags or {}


class DynamicOutput(_Value, Generic[T]):
    """One of many values for a dynamic output; `mapping_key` is letters, digits and underscores, once for each output."""

    __slots__ = ("mapping_key", "metadata", "output_name", "value")

    def __init__(
        self,
        value: T,
        mapping_key: str,
        output_name: str = DEFAULT_OUTPUT,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        if not isinstance(mapping_key, str) or not _MAPPING_KEY.match(mapping_key):
            raise InvalidDefinitionError(
                what=f"{mapping_key!r} is not a valid mapping_key.",
                why="It becomes part of step names and stored paths.",
                fix="Use letters, digits and underscores only.",
            )
        self.value = value
        self.mapping_key = mapping_key
        self.output_name = output_name
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}


class AssetCheckResult(_Described):
    """How a check came out. `asset_key` and `check_name` may be left out where only one is possible."""

    __slots__ = ("asset_key", "check_name", "description", "metadata", "partition_key", "passed", "severity")

    def __init__(
        self,
        *,
        passed: bool,
        asset_key: CoercibleToAssetKey | None = None,
        check_name: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        partition_key: str | None = None,
    ) -> None:
        if type(passed) is not bool:
            if type(passed).__name__ in ("bool_", "bool") and hasattr(passed, "item"):
                passed = bool(passed)  # a numpy bool
            else:
                raise CheckError(
                    what=f"AssetCheckResult(passed={passed!r}) is {kind_of(passed)}.",
                    why="A check either passed or did not.",
                    fix="Give True or False, such as passed=bool(...) or passed=(count == 0).",
                )
        if not isinstance(severity, AssetCheckSeverity):
            raise CheckError(
                what=f"AssetCheckResult(severity={severity!r}) is {kind_of(severity)}.",
                why="A check that did not pass is a warning or an error.",
                fix="Write severity=AssetCheckSeverity.WARN or AssetCheckSeverity.ERROR.",
            )
        self.passed = passed
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)
        self.check_name = check_name
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.severity = severity
        self.description = description
        self.partition_key = partition_key


class MaterializeResult(_Value, Generic[T]):
    """Says that an asset now exists, with metadata. With a `value`, that is stored by the asset's IO manager."""

    __slots__ = ("_has_value", "asset_key", "check_results", "data_version", "metadata", "tags", "value")

    def __init__(
        self,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | None = None,
        tags: Mapping[str, str] | None = None,
        value: T = None,  # type: ignore[assignment]
    ) -> None:
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)
        self.metadata = _as_given(metadata)
        self.check_results = tuple(check_results or ())
        self.data_version = data_version
        self.tags: Mapping[str, str] = tags or {}
        self.value = value
        self._has_value = value is not None

    @property
    def has_value(self) -> bool:
        return self._has_value

    def check_result_named(self, check_name: str) -> AssetCheckResult:
        """Return the result of one of its checks. Raises CheckError when it has none of this name."""
        return _check_result_named(self.check_results, check_name)


def _as_given(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return metadata as it was written, for tests to compare. Raises InvalidMetadata for what could not be recorded."""
    if not metadata:
        return {}
    normalize_metadata(metadata)
    return Metadata(metadata)


def _check_result_named(results: Sequence[AssetCheckResult], name: str) -> AssetCheckResult:
    for result in results:
        if result.check_name == name:
            return result
    names = [result.check_name for result in results if result.check_name is not None]
    raise CheckError(
        what=f'There is no result of a check named "{name}".',
        why="The result holds what its own checks found, by the names that were given with them.",
        fix=did_you_mean(name, names) or f"It has: {', '.join(names) or 'none with a name'}.",
    )


class ObserveResult(_Value):
    """What was seen of an asset that something else builds."""

    __slots__ = ("asset_key", "check_results", "data_version", "metadata", "tags")

    def __init__(
        self,
        asset_key: CoercibleToAssetKey | None = None,
        metadata: Mapping[str, Any] | None = None,
        check_results: Sequence[AssetCheckResult] | None = None,
        data_version: DataVersion | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)
        self.metadata = _as_given(metadata)
        self.check_results = tuple(check_results or ())
        self.data_version = data_version
        self.tags: Mapping[str, str] = tags or {}

    def check_result_named(self, check_name: str) -> AssetCheckResult:
        """Return the result of one of its checks. Raises CheckError when it has none of this name."""
        return _check_result_named(self.check_results, check_name)


class Unchanged(_Value):
    """Says that the asset's code ran and found nothing new: the last materialization still holds."""

    __slots__ = ("asset_key", "metadata")

    def __init__(
        self, *, asset_key: CoercibleToAssetKey | None = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}


class Skip(_Value):
    """Says that the asset was deliberately not built this time; what depends on it is skipped too."""

    __slots__ = ("asset_key", "reason")

    def __init__(self, reason: str, *, asset_key: CoercibleToAssetKey | None = None) -> None:
        self.reason = reason
        self.asset_key = None if asset_key is None else AssetKey.from_coercible(asset_key)


class AssetMaterialization(_Described):
    """A record that an asset, or one partition of it, was built; may also be reported from outside."""

    __slots__ = ("asset_key", "description", "metadata", "partition", "tags")

    def __init__(
        self,
        asset_key: CoercibleToAssetKey,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        partition: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.asset_key = AssetKey.from_coercible(asset_key)
        self.description = description
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.partition = partition
        self.tags: Mapping[str, str] = Tags(tags)

    @property
    def label(self) -> str:
        return " ".join(self.asset_key.parts)

    @property
    def data_version(self) -> str | None:
        """The version of the content, as the tag "headwater/data_version" says it."""
        return self.tags.get(DATA_VERSION_TAG)

    @staticmethod
    def file(
        path: str | os.PathLike[str],
        description: str | None = None,
        asset_key: CoercibleToAssetKey | None = None,
    ) -> AssetMaterialization:
        """Return the record that a file was written: its path is the metadata "path", and the key unless one is given."""
        from headwater.model.metadata import PathMetadataValue

        key = (
            AssetKey([part for part in _NOT_OF_A_NAME.split(os.fspath(path)) if part])
            if asset_key is None
            else asset_key
        )
        return AssetMaterialization(key, description=description, metadata={"path": PathMetadataValue(path)})


class AssetObservation(AssetMaterialization):
    """A record that something was seen of an asset, such as its size or the version of its content."""

    __slots__ = ()

    def _state(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in AssetMaterialization.__slots__)


class AssetCheckEvaluation(_Described):
    """A check's result as recorded: of which asset and partition, and what it said."""

    __slots__ = (
        "asset_key",
        "blocking",
        "check_name",
        "description",
        "metadata",
        "partition",
        "passed",
        "severity",
    )

    def __init__(
        self,
        asset_key: AssetKey,
        check_name: str,
        passed: bool,
        metadata: Mapping[str, Any] | None = None,
        severity: AssetCheckSeverity = AssetCheckSeverity.ERROR,
        description: str | None = None,
        blocking: bool = False,
        partition: str | None = None,
    ) -> None:
        self.asset_key = asset_key
        self.check_name = check_name
        self.passed = passed
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.severity = severity
        self.description = description
        self.blocking = blocking
        self.partition = partition

    @property
    def asset_check_key(self) -> AssetCheckKey:
        return AssetCheckKey(self.asset_key, self.check_name)


class ExpectationResult(_Value):
    """A test inside an op, recorded with the step. Asset checks say more."""

    __slots__ = ("description", "label", "metadata", "success")

    def __init__(
        self,
        success: bool,
        label: str | None = None,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.success = success
        self.label = label or "result"
        self.description = description
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}


class Failure(Exception):
    """Raise it to fail a step with a description and metadata; `allow_retries=False` makes the failure final."""

    def __init__(
        self,
        description: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        allow_retries: bool | None = None,
    ) -> None:
        super().__init__(description)
        self.description = description
        self.metadata: dict[str, MetadataValue] = normalize_metadata(metadata) if metadata else {}
        self.allow_retries = True if allow_retries is None else allow_retries


class RetryRequested(Exception):
    """Raise it to have the step tried again, up to `max_retries` times, after `seconds_to_wait` seconds."""

    def __init__(self, max_retries: int | None = 1, seconds_to_wait: float | None = None) -> None:
        super().__init__()
        self.max_retries = 1 if max_retries is None else max_retries
        self.seconds_to_wait = seconds_to_wait


def _metadata_from(data: Mapping[str, Any]) -> dict[str, MetadataValue]:
    return Metadata((name, metadata_from_data(value)) for name, value in data.items())


def _tags_of(event: AssetMaterialized | AssetObserved) -> Tags:
    """Return the tags that were given, and those that tell of versions."""
    tags = Tags(event.tags)
    if event.data_version is not None:
        tags[DATA_VERSION_TAG] = event.data_version
    code_version: str | None = getattr(event, "code_version", None)
    if code_version is not None:
        tags[CODE_VERSION_TAG] = code_version
    for read in getattr(event, "inputs", ()):
        if read.data_version is not None:
            tags[f"{INPUT_DATA_VERSION_PREFIX}/{read.asset}"] = read.data_version
    return tags


def materialization_of(event: AssetMaterialized) -> AssetMaterialization:
    """Return the public record of a materialization event."""
    return AssetMaterialization(
        AssetKey.parse(event.asset),
        description=event.description,
        metadata=_metadata_from(event.metadata),
        partition=event.partition,
        tags=_tags_of(event),
    )


def observation_of(event: AssetObserved) -> AssetObservation:
    """Return the public record of an observation event."""
    return AssetObservation(
        AssetKey.parse(event.asset),
        description=event.description,
        metadata=_metadata_from(event.metadata),
        partition=event.partition,
        tags=_tags_of(event),
    )


def check_evaluation_of(event: CheckEvaluated) -> AssetCheckEvaluation:
    """Return the public record of a check's evaluation."""
    return AssetCheckEvaluation(
        AssetKey.parse(event.asset),
        event.check,
        event.passed,
        metadata=_metadata_from(event.metadata),
        severity=AssetCheckSeverity[event.severity],
        description=event.description,
        blocking=event.blocking,
        partition=event.partition,
    )


def checked_mapping_keys(keys: Sequence[str], output: str) -> None:
    """Raise when one mapping key was given twice."""
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvariantViolationError(
            what=f'Dynamic output "{output}" gave the mapping key "{twice}" twice.',
            why="Each mapped step needs a name of its own.",
            fix="Make mapping keys unique, for example with a running number.",
        )
