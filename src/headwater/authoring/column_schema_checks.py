"""Checks that the columns of a table stay as they were, for whole lists of assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from headwater.authoring.built_checks import built_checks, checked_assets, checked_severity, without_twins
from headwater.model.metadata import metadata_from_data
from headwater.model.metadata_sets import READ_NAMESPACES
from headwater.model.policies import AssetCheckSeverity
from headwater.model.results import AssetCheckResult
from headwater.model.runs import EventRecordsFilter, EventType
from headwater.model.tables import TableSchema

if TYPE_CHECKING:
    from headwater.authoring.checks import AssetChecksDefinition
    from headwater.authoring.contexts import AssetCheckExecutionContext
    from headwater.model.events import AssetMaterialized
    from headwater.model.keys import AssetKey
    from headwater.store.interface import Store

SCHEMA_CHANGE_CHECK = "column_schema_change"


def build_column_schema_change_checks(
    *, assets: Sequence[Any], severity: AssetCheckSeverity = AssetCheckSeverity.WARN
) -> Sequence[AssetChecksDefinition]:
    """Return a check "column_schema_change" of each asset that passes when its columns are those of the time before.

    It compares the "headwater/column_schema" of the latest two materializations: names and types, not their order. It
    passes while there are not two to compare, and fails when one of them has no schema. Its description lists what changed.

    assets: keys in any form, specs and definitions; all are in one definition that can be run for some of them.
    Raises CheckError for what is no asset.
    """
    builder = "build_column_schema_change_checks"
    checked = without_twins(checked_assets(assets, builder))
    checked_severity(severity, builder)

    def evaluate(context: AssetCheckExecutionContext, key: AssetKey) -> AssetCheckResult:
        passed, description = _compared(context.instance.store, key)
        return AssetCheckResult(
            passed=passed,
            asset_key=key,
            check_name=SCHEMA_CHANGE_CHECK,
            description=description,
            severity=severity,
        )

    return built_checks(
        checked,
        SCHEMA_CHANGE_CHECK,
        evaluate,
        description="Whether the columns are those of the materialization before.",
    )


def _compared(store: Store, key: AssetKey) -> tuple[bool, str]:
    # State says how often it was materialized, since it was last wiped; history, which is trimmed, has the one before.
    state = store.asset_state(key)
    if state is None or state.materialization is None or state.materialization_count < 2:
        return True, "It was materialized fewer than two times."
    before = EventRecordsFilter(EventType.ASSET_MATERIALIZATION, key, before_cursor=state.materialization_storage_id)
    records = store.events(before, limit=1)
    if not records:
        return True, "The materialization before the latest is no longer in the history, so there is none to compare."
    latest = _schema_in(state.materialization)
    if latest is None:
        return False, "The latest materialization has no column schema in its metadata."
    previous = _schema_in(records[0].event)
    if previous is None:
        return False, "The materialization before the latest has no column schema in its metadata."
    changes = schema_changes(previous, latest)
    if not changes:
        return True, "The columns are those of the materialization before."
    return False, "\n\n".join(("The columns are not those of the materialization before.", *changes))


def _schema_in(event: Any) -> TableSchema | None:
    materialized: AssetMaterialized = event
    for namespace in READ_NAMESPACES:
        data = materialized.metadata.get(f"{namespace}/column_schema")
        if data is not None:
            schema = metadata_from_data(data).value
            return schema if isinstance(schema, TableSchema) else None
    return None


def schema_changes(before: TableSchema, after: TableSchema) -> list[str]:
    """Return what changed, as Markdown: columns added, columns removed, types changed; empty when nothing did."""
    old, new = _type_by_name(before), _type_by_name(after)
    added = [name for name in new if name not in old]
    removed = [name for name in old if name not in new]
    retyped = [f"- {name}: {old[name]} -> {new[name]}" for name in new if name in old and old[name] != new[name]]
    changes = []
    if added:
        changes.append(f"Added columns: {', '.join(added)}")
    if removed:
        changes.append(f"Removed columns: {', '.join(removed)}")
    if retyped:
        changes.append("\n".join(("Changed types:", *retyped)))
    return changes


def _type_by_name(schema: TableSchema) -> Mapping[str, str]:
    return {column.name: column.type for column in schema.columns}
