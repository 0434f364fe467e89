"""Definitions found in modules: whatever stands in a module under a name, or in a list under a name.

Each definition is found once, in a stable order: that of the modules, then that in which a module first names it. A
package comes before its modules, and those in alphabetical order.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from headwater.authoring.asset_job import UnresolvedAssetJobDefinition
from headwater.authoring.assets import AssetsDefinition
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.definitions import Definitions
from headwater.authoring.job import JobDefinition
from headwater.authoring.lazy_definitions import LazyDefinitions
from headwater.authoring.schedules import ScheduleDefinition, UnresolvedPartitionedSchedule
from headwater.authoring.sensors import SensorDefinition
from headwater.authoring.source_asset import SourceAsset
from headwater.model.errors import CheckError, DefinitionError, DefinitionErrors, InvalidDefinitionError
from headwater.model.errors.graph import DuplicateAssetKey
from headwater.model.errors.loading import ModuleLoadError, NoSuchModule
from headwater.model.errors.root import kind_of
from headwater.model.keys import AssetKey, CoercibleToAssetKeyPrefix, prefix_parts
from headwater.model.specs import DEFAULT_GROUP_NAME, AssetSpec

if TYPE_CHECKING:
    from headwater.model.policies import BackfillPolicy

# A module by name and what it holds; the module itself need not be whole yet.
Namespace = tuple[str, Mapping[str, Any]]
Loaded = AssetsDefinition | SourceAsset | AssetSpec


# ------------------------------------------------------------------------------------------------------ where to look


def _namespaces(modules: Iterable[ModuleType]) -> list[Namespace]:
    if isinstance(modules, (ModuleType, str)) or not isinstance(modules, Iterable):
        raise CheckError(
            what=f"modules= was given {modules!r}.", why="It takes several.", fix="Put it into a list: [module]."
        )
    found: list[Namespace] = []
    for module in modules:
        if not isinstance(module, ModuleType):
            raise CheckError(
                what=f"{module!r} was given as a module.",
                why=f"It is {kind_of(module)}.",
                fix="Import the module and give that; for a package by name there is load_assets_from_package_name.",
            )
        found.append((module.__name__, vars(module)))
    return found


def _caller() -> Namespace:
    """The module that called the public function that called this."""
    scope = sys._getframe(2).f_globals
    return str(scope.get("__name__", "__main__")), scope


def _package(package: ModuleType | str) -> list[Namespace]:
    """Return a package and all the modules in it. Raises ModuleLoadError for the first that cannot be imported."""
    module = _imported(package) if isinstance(package, str) else package
    (found,) = _namespaces([module])
    inside = [found]
    path = getattr(module, "__path__", None)
    if path is not None:
        import pkgutil

        for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
            name = f"{module.__name__}.{info.name}"
            # Running a package's __main__ is its command line, not a definition.
            if info.name != "__main__":
                inside += _package(name) if info.ispkg else _namespaces([_imported(name)])
    return inside


def _imported(name: str) -> ModuleType:
    try:
        return import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and error.name == name:
            raise NoSuchModule(name, error) from error
        raise ModuleLoadError(name, error) from error


def _things(namespaces: Iterable[Namespace]) -> Iterator[tuple[str, Any]]:
    """Yield (module name, thing) for each thing under a name or in a list under a name, each thing once."""
    seen: set[int] = set()
    for module_name, scope in namespaces:
        for value in list(scope.values()):
            for thing in value if isinstance(value, (list, tuple)) else (value,):
                if id(thing) not in seen:
                    seen.add(id(thing))
                    yield module_name, thing


# -------------------------------------------------------------------------------------------------------------- assets


def _keys_of(thing: Loaded) -> list[AssetKey]:
    return list(thing.specs_by_key) if isinstance(thing, AssetsDefinition) else [thing.key]


def _found_assets(namespaces: Iterable[Namespace], *, include_specs: bool) -> list[Loaded]:
    """Return what defines assets. Raises DuplicateAssetKey when two different things define one."""
    kinds: tuple[type[Any], ...] = (AssetsDefinition, SourceAsset, *((AssetSpec,) if include_specs else ()))
    found: list[Loaded] = []
    first: dict[AssetKey, tuple[str, Loaded]] = {}
    problems: list[DefinitionError] = []
    for module_name, thing in _things(namespaces):
        if not isinstance(thing, kinds) or isinstance(thing, AssetChecksDefinition):
            continue
        twins = [key for key in _keys_of(thing) if key in first]
        for key in twins:
            if first[key][1] != thing:
                problems.append(DuplicateAssetKey(key, _in_module(first[key][0]), _in_module(module_name)))
        if not twins:
            found.append(thing)
            for key in _keys_of(thing):
                first[key] = (module_name, thing)
    _raise(problems)
    return found


def _in_module(name: str) -> str:
    return f'a definition in module "{name}"'


def _raise(problems: Sequence[DefinitionError]) -> None:
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise DefinitionErrors(problems)


def _grouped(found: Iterable[Loaded], group_name: str) -> Mapping[AssetKey, str]:
    """Return the group by key for those that have none. Raises InvalidDefinitionError for those that have another."""
    groups: dict[AssetKey, str] = {}
    problems: list[DefinitionError] = []
    for thing in found:
        specs = thing.specs_by_key.values() if isinstance(thing, AssetsDefinition) else (thing,)
        for spec in specs:
            if spec.group_name in (None, DEFAULT_GROUP_NAME, group_name):
                groups[spec.key] = group_name
                continue
            problems.append(
                InvalidDefinitionError(
                    what=f'Asset "{spec.key}" is in the group "{spec.group_name}", and is loaded with '
                    f'group_name="{group_name}".',
                    why="An asset has one group.",
                    fix="Take the group from the asset, or load its module without group_name.",
                )
            )
    _raise(problems)
    return groups


def _changed(
    found: Sequence[Loaded],
    group_name: str | None,
    key_prefix: CoercibleToAssetKeyPrefix | None,
    *,
    automation_condition: Any,
    backfill_policy: BackfillPolicy | None,
    source_key_prefix: CoercibleToAssetKeyPrefix | None,
    freshness_policy: Any,
) -> list[Any]:
    groups = _grouped(found, group_name) if group_name is not None else {}
    prefix, source_prefix = prefix_parts(key_prefix), prefix_parts(source_key_prefix)
    new_keys: dict[AssetKey, AssetKey] = {}
    for thing in found:
        parts = prefix if isinstance(thing, AssetsDefinition) else source_prefix
        if parts:
            new_keys.update({key: key.with_prefix(parts) for key in _keys_of(thing)})
    changed: list[Any] = []
    for thing in found:
        if isinstance(thing, AssetsDefinition):
            changed.append(
                thing.with_attributes(
                    asset_key_replacements=new_keys,
                    group_names_by_key=groups,
                    automation_condition=automation_condition if thing.is_executable else None,
                    freshness_policy=freshness_policy,
                    backfill_policy=backfill_policy,
                )
            )
            continue
        changes: dict[str, Any] = {}
        if thing.key in new_keys:
            changes["key"] = new_keys[thing.key]
        if thing.key in groups:
            changes["group_name"] = groups[thing.key]
        if isinstance(thing, SourceAsset):
            changed.append(thing.replaced(**changes) if changes else thing)
        else:
            deps = [
                dep
                if dep.asset_key not in new_keys
                else type(dep)(new_keys[dep.asset_key], partition_mapping=dep.partition_mapping)
                for dep in thing.deps
            ]
            changed.append(thing.replace_attributes(**changes, deps=deps) if changes or new_keys else thing)
    return changed


def _load_assets(
    namespaces: Sequence[Namespace],
    group_name: str | None,
    key_prefix: CoercibleToAssetKeyPrefix | None,
    include_specs: bool,
    **changes: Any,
) -> Sequence[Any]:
    return _changed(_found_assets(namespaces, include_specs=include_specs), group_name, key_prefix, **changes)


def load_assets_from_modules(
    modules: Iterable[ModuleType],
    group_name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    *,
    automation_condition: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    source_key_prefix: CoercibleToAssetKeyPrefix | None = None,
    include_specs: bool = False,
    freshness_policy: Any = None,
) -> Sequence[Any]:
    """Return the assets that these modules define: definitions, source assets and, with `include_specs`, loose specs.

    Each asset definition gets `key_prefix` before its key, sources and loose specs `source_key_prefix`; dependencies
    among what was loaded follow. `group_name` is for those without a group; one in another group raises
    InvalidDefinitionError. The policies and the condition are given to every asset definition. Raises DuplicateAssetKey
    when two things define one asset.
    """
    return _load_assets(
        _namespaces(modules),
        group_name,
        key_prefix,
        include_specs,
        automation_condition=automation_condition,
        backfill_policy=backfill_policy,
        source_key_prefix=source_key_prefix,
        freshness_policy=freshness_policy,
    )


def load_assets_from_current_module(
    group_name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    *,
    automation_condition: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    source_key_prefix: CoercibleToAssetKeyPrefix | None = None,
    include_specs: bool = False,
    freshness_policy: Any = None,
) -> Sequence[Any]:
    """Return the assets that the calling module has defined so far; see `load_assets_from_modules`."""
    return _load_assets(
        [_caller()],
        group_name,
        key_prefix,
        include_specs,
        automation_condition=automation_condition,
        backfill_policy=backfill_policy,
        source_key_prefix=source_key_prefix,
        freshness_policy=freshness_policy,
    )


def load_assets_from_package_module(
    package_module: ModuleType,
    group_name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    *,
    automation_condition: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    source_key_prefix: CoercibleToAssetKeyPrefix | None = None,
    include_specs: bool = False,
    freshness_policy: Any = None,
) -> Sequence[Any]:
    """Return the assets that a package and all modules in it define; see `load_assets_from_modules`.

    Raises ModuleLoadError, which names the module, when one of them cannot be imported.
    """
    return _load_assets(
        _package(package_module),
        group_name,
        key_prefix,
        include_specs,
        automation_condition=automation_condition,
        backfill_policy=backfill_policy,
        source_key_prefix=source_key_prefix,
        freshness_policy=freshness_policy,
    )


def load_assets_from_package_name(
    package_name: str,
    group_name: str | None = None,
    key_prefix: CoercibleToAssetKeyPrefix | None = None,
    *,
    automation_condition: Any = None,
    backfill_policy: BackfillPolicy | None = None,
    source_key_prefix: CoercibleToAssetKeyPrefix | None = None,
    include_specs: bool = False,
    freshness_policy: Any = None,
) -> Sequence[Any]:
    """Return the assets that the package of this name and all modules in it define; see `load_assets_from_modules`.

    Raises ModuleLoadError, which names the module, when one of them cannot be imported.
    """
    return _load_assets(
        _package(package_name),
        group_name,
        key_prefix,
        include_specs,
        automation_condition=automation_condition,
        backfill_policy=backfill_policy,
        source_key_prefix=source_key_prefix,
        freshness_policy=freshness_policy,
    )


# -------------------------------------------------------------------------------------------------------------- checks


def _load_checks(
    namespaces: Iterable[Namespace], asset_key_prefix: CoercibleToAssetKeyPrefix | None
) -> Sequence[AssetChecksDefinition]:
    found = _of_kind(namespaces, AssetChecksDefinition)
    prefix = prefix_parts(asset_key_prefix)
    if not prefix:
        return found
    new_keys = {spec.asset_key: spec.asset_key.with_prefix(prefix) for checks in found for spec in checks.check_specs}
    changed: list[Any] = [checks.with_replaced_keys(new_keys) for checks in found]
    return changed


def load_asset_checks_from_modules(
    modules: Iterable[ModuleType], asset_key_prefix: CoercibleToAssetKeyPrefix | None = None
) -> Sequence[AssetChecksDefinition]:
    """Return the asset checks that these modules define, with a prefix before the keys of what they check."""
    return _load_checks(_namespaces(modules), asset_key_prefix)


def load_asset_checks_from_current_module(
    asset_key_prefix: CoercibleToAssetKeyPrefix | None = None,
) -> Sequence[AssetChecksDefinition]:
    """Return the asset checks that the calling module has defined so far; see `load_asset_checks_from_modules`."""
    return _load_checks([_caller()], asset_key_prefix)


def load_asset_checks_from_package_module(
    package_module: ModuleType, asset_key_prefix: CoercibleToAssetKeyPrefix | None = None
) -> Sequence[AssetChecksDefinition]:
    """Return the asset checks that a package and all modules in it define; see `load_asset_checks_from_modules`."""
    return _load_checks(_package(package_module), asset_key_prefix)


def load_asset_checks_from_package_name(
    package_name: str, asset_key_prefix: CoercibleToAssetKeyPrefix | None = None
) -> Sequence[AssetChecksDefinition]:
    """Return the asset checks of the package of this name; see `load_asset_checks_from_modules`."""
    return _load_checks(_package(package_name), asset_key_prefix)


# --------------------------------------------------------------------------------------------------------- definitions


def _of_kind(namespaces: Iterable[Namespace], *kinds: type[Any]) -> list[Any]:
    return [thing for _, thing in _things(namespaces) if isinstance(thing, kinds)]


def _load_definitions(
    namespaces: Sequence[Namespace],
    resources: Mapping[str, Any] | None,
    loggers: Mapping[str, Any] | None,
    executor: Any,
) -> Definitions:
    whole = [
        thing() if isinstance(thing, LazyDefinitions) else thing
        for thing in _of_kind(namespaces, Definitions, LazyDefinitions)
    ]
    loose = Definitions(
        assets=_found_assets(namespaces, include_specs=True),
        asset_checks=_of_kind(namespaces, AssetChecksDefinition),
        jobs=_of_kind(namespaces, JobDefinition, UnresolvedAssetJobDefinition),
        schedules=_of_kind(namespaces, ScheduleDefinition, UnresolvedPartitionedSchedule),
        sensors=_of_kind(namespaces, SensorDefinition),
        resources=resources,
        loggers=loggers,
        executor=executor,
        is_part=True,
    )
    return Definitions.merge_unbound_defs(loose, *whole) if whole else loose


def load_definitions_from_module(
    module: ModuleType,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Return the definitions of a module; see `load_definitions_from_modules`."""
    return _load_definitions(_namespaces([module]), resources, loggers, executor)


def load_definitions_from_modules(
    modules: Iterable[ModuleType],
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Return all that these modules define, with these resources, loggers and executor.

    That is assets, loose specs, checks, jobs, schedules and sensors, and what stands in Definitions and @definitions.
    The result may be merged with others: what others must provide is checked by `Definitions.merge`, or `validate()`.
    """
    return _load_definitions(_namespaces(modules), resources, loggers, executor)


def load_definitions_from_current_module(
    resources: Mapping[str, Any] | None = None, loggers: Mapping[str, Any] | None = None, executor: Any = None
) -> Definitions:
    """Return what the calling module has defined so far; see `load_definitions_from_modules`."""
    return _load_definitions([_caller()], resources, loggers, executor)


def load_definitions_from_package_module(
    package_module: ModuleType,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Return what a package and all modules in it define; see `load_definitions_from_modules`."""
    return _load_definitions(_package(package_module), resources, loggers, executor)


def load_definitions_from_package_name(
    package_name: str,
    resources: Mapping[str, Any] | None = None,
    loggers: Mapping[str, Any] | None = None,
    executor: Any = None,
) -> Definitions:
    """Return what the package of this name and all modules in it define; see `load_definitions_from_modules`."""
    return _load_definitions(_package(package_name), resources, loggers, executor)
