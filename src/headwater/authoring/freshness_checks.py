"""Checks of freshness for whole lists of assets, and the sensor that has them evaluated when their answer may change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from headwater.authoring.built_checks import (
    CheckedAsset,
    built_checks,
    checked_assets,
    checked_severity,
    partitions_of,
    refuse_twins,
)
from headwater.authoring.checks import AssetChecksDefinition
from headwater.authoring.run_request import RunRequest, SkipReason
from headwater.authoring.sensors import DefaultSensorStatus, SensorDefinition, SensorEvaluationContext
from headwater.model.clock import utc_now
from headwater.model.errors import CheckError
from headwater.model.freshness_rules import (
    FRESHNESS_PARAMS,
    FreshnessVerdict,
    LastUpdateRule,
    TimePartitionRule,
    last_update_of,
)
from headwater.model.metadata_kinds import JsonMetadataValue
from headwater.model.metadata_sets import READ_NAMESPACES
from headwater.model.partitions.time_window import TimeWindowPartitionsDefinition
from headwater.model.policies import AssetCheckSeverity
from headwater.model.results import AssetCheckResult
from headwater.model.runs import RunsFilter, RunStatus

if TYPE_CHECKING:
    from headwater.authoring.contexts import AssetCheckExecutionContext
    from headwater.model.keys import AssetCheckKey, AssetKey
    from headwater.model.runs import EventRecord
    from headwater.store.interface import Store

FRESHNESS_CHECK = "freshness_check"
_UNFINISHED = tuple(status for status in RunStatus if not status.is_finished)


def build_last_update_freshness_checks(
    *,
    assets: Sequence[Any],
    lower_bound_delta: timedelta,
    deadline_cron: str | None = None,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """Return a check "freshness_check" of each asset that passes while its last update is recent enough.

    Recent enough is at most `lower_bound_delta` before now; with `deadline_cron`, at most that much before the latest tick
    of that schedule on the clock of `timezone`. An update is a materialization, or what the latest observation tells as
    "headwater/last_updated_timestamp". An asset that was never updated does not pass.

    assets: keys in any form, specs and definitions; all are in one definition that can be run for some of them.
    Raises CheckError (a negative lower_bound_delta, an asset given twice, what is no asset), InvalidCronError and
    UnknownTimezoneError.
    """
    builder = "build_last_update_freshness_checks"
    checked = checked_assets(assets, builder)
    refuse_twins(checked, builder)
    rule = LastUpdateRule(lower_bound_delta, deadline_cron, timezone)
    checked_severity(severity, builder)

    def evaluate(context: AssetCheckExecutionContext, key: AssetKey) -> AssetCheckResult:
        store: Store = context.instance.store
        return _result(rule.judge(utc_now(), last_update_of(store.asset_state(key))), key, severity)

    return _freshness_checks(checked, evaluate, rule, blocking)


def build_time_partition_freshness_checks(
    *,
    assets: Sequence[Any],
    deadline_cron: str,
    timezone: str = "UTC",
    severity: AssetCheckSeverity = AssetCheckSeverity.WARN,
    blocking: bool = False,
) -> Sequence[AssetChecksDefinition]:
    """Return a check "freshness_check" of each asset that passes while its newest partition is there in time.

    At each tick of `deadline_cron`, on the clock of `timezone`, the partition whose time window was the last to be complete
    must have been materialized or observed; it may also arrive later. Where no window was complete yet, the check passes.

    assets: keys in any form, specs and definitions of assets that are partitioned by time; all are in one definition.
    Raises CheckError (another kind of partitions, an asset given twice, what is no asset), InvalidCronError and
    UnknownTimezoneError. The partitions of an asset that was given by its key are looked up, and refused, in the run.
    """
    builder = "build_time_partition_freshness_checks"
    checked = checked_assets(assets, builder)
    refuse_twins(checked, builder)
    rule = TimePartitionRule(deadline_cron, timezone)
    checked_severity(severity, builder)
    declared = {asset.key: asset.spec for asset in checked if asset.spec is not None}
    for key, spec in declared.items():
        _time_windows(key, spec.partitions_def)

    def evaluate(context: AssetCheckExecutionContext, key: AssetKey) -> AssetCheckResult:
        windows = _time_windows(key, partitions_of(context, key, declared))
        now = utc_now()
        expected = windows.get_last_partition_key(rule.deadline(now))
        store: Store = context.instance.store
        state = None if expected is None else store.asset_state(key, expected)
        has_arrived = state is not None and (state.materialization is not None or state.latest_observation is not None)
        verdict = rule.judge(
            now, expected, has_arrived=has_arrived, last_updated_at=last_update_of(store.asset_state(key))
        )
        return _result(verdict, key, severity)

    return _freshness_checks(checked, evaluate, rule, blocking)


def _freshness_checks(
    assets: Sequence[CheckedAsset], evaluate: Any, rule: LastUpdateRule | TimePartitionRule, blocking: bool
) -> Sequence[AssetChecksDefinition]:
    return built_checks(
        assets,
        FRESHNESS_CHECK,
        evaluate,
        description="Whether the asset was updated in time.",
        blocking=blocking,
        metadata={FRESHNESS_PARAMS: JsonMetadataValue(rule.params)},
    )


def _result(verdict: FreshnessVerdict, key: AssetKey, severity: AssetCheckSeverity) -> AssetCheckResult:
    return AssetCheckResult(
        passed=verdict.is_fresh,
        asset_key=key,
        check_name=FRESHNESS_CHECK,
        description=verdict.description,
        metadata=verdict.metadata,
        severity=severity,
    )


def _time_windows(key: AssetKey, partitions_def: Any) -> TimeWindowPartitionsDefinition:
    if isinstance(partitions_def, TimeWindowPartitionsDefinition):
        return partitions_def
    found = "has no partitions" if partitions_def is None else f"has {partitions_def.describe()} as partitions"
    raise CheckError(
        what=f'build_time_partition_freshness_checks was given "{key}", which {found}.',
        why="Which partition is due follows from time windows.",
        fix="Use build_last_update_freshness_checks for it, or partition it by time, as by DailyPartitionsDefinition.",
    )


# -------------------------------------------------------------------------------------------------------------- sensor


def build_sensor_for_freshness_checks(
    *,
    freshness_checks: Sequence[AssetChecksDefinition],
    minimum_interval_seconds: int | None = None,
    name: str = "freshness_checks_sensor",
    default_status: DefaultSensorStatus = DefaultSensorStatus.STOPPED,
    tags: Mapping[str, Any] | None = None,
) -> SensorDefinition:
    """Return a sensor that asks for a run of those freshness checks whose answer may be another one by now.

    That is a check that was never evaluated, one that passed until an instant that is over, and one that did not pass and
    whose asset was updated since. A check that an unfinished run will evaluate is left to that run. `tags` are those of
    the runs. Raises CheckError for what is no freshness check, and for a check that was given twice.
    """
    keys = _freshness_keys(freshness_checks)

    def evaluate_freshness(context: SensorEvaluationContext) -> RunRequest | SkipReason:
        due = _checks_due(context.instance, keys)
        if not due:
            return SkipReason("No freshness check could have another answer by now.")
        return RunRequest(asset_selection=[], asset_check_keys=due, tags=tags)

    from headwater.graph.selection import AssetSelection

    return SensorDefinition(
        name,
        evaluation_fn=evaluate_freshness,
        asset_selection=AssetSelection.checks(*keys),
        minimum_interval_seconds=minimum_interval_seconds,
        default_status=default_status,
        description="Has freshness checks evaluated when their answer may have changed.",
    )


def _freshness_keys(checks: Any) -> list[AssetCheckKey]:
    builder = "build_sensor_for_freshness_checks"
    if isinstance(checks, AssetChecksDefinition) or not isinstance(checks, Sequence):
        raise CheckError(
            what=f"{builder} was given freshness_checks={checks!r}.",
            why="It takes a list of checks.",
            fix=f"Write {builder}(freshness_checks=[...]).",
        )
    keys: list[AssetCheckKey] = []
    for check in checks:
        specs = check.check_specs if isinstance(check, AssetChecksDefinition) else ()
        if not specs or any(_found(spec.metadata, "freshness_params") is None for spec in specs):
            raise CheckError(
                what=f"{builder} was given {check!r}, which is no freshness check.",
                why="Only of those is it known until when their answer holds.",
                fix="Give what build_last_update_freshness_checks and build_time_partition_freshness_checks return.",
            )
        keys.extend(spec.key for spec in specs)
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise CheckError(
            what=f'{builder} was given "{twice}" twice.',
            why="An asset has one check of a name.",
            fix="Leave one of them out.",
        )
    return keys


def _checks_due(instance: Any, keys: Sequence[AssetCheckKey]) -> list[AssetCheckKey]:
    """Return the checks whose answer may be another one by now, in the order of `keys`."""
    store: Store = instance.store
    latest = store.latest_checks(keys)
    underway = {key for run in store.runs(RunsFilter(statuses=_UNFINISHED)) for key in run.check_selection}
    now = utc_now().timestamp()
    return [key for key in keys if key not in underway and _is_due(store, key, latest.get(key), now)]


def _is_due(store: Store, key: AssetCheckKey, record: EventRecord | None, now: float) -> bool:
    evaluation = None if record is None else record.asset_check_evaluation
    if record is None or evaluation is None:
        return True
    if evaluation.passed:
        until = _found(evaluation.metadata, "fresh_until_timestamp")
        return until is not None and until.value < now
    state = store.asset_state(key.asset_key)
    updates = (None, None) if state is None else (state.materialization_storage_id, state.latest_observation_storage_id)
    return any(update is not None and update > record.storage_id for update in updates)


def _found(metadata: Mapping[str, Any], name: str) -> Any:
    for namespace in READ_NAMESPACES:
        if f"{namespace}/{name}" in metadata:
            return metadata[f"{namespace}/{name}"]
    return None
