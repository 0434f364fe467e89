"""Partitions of a spec: their keys, what mappings map, and what partitioned assets are told and read."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from recorder import Recorder, error_kind, plain

NOW = datetime(2024, 3, 20, 12, tzinfo=UTC)

_WINDOWS = {
    "hourly": dg.HourlyPartitionsDefinition,
    "daily": dg.DailyPartitionsDefinition,
    "weekly": dg.WeeklyPartitionsDefinition,
    "monthly": dg.MonthlyPartitionsDefinition,
}


def definition_of(told: dict[str, Any] | None) -> Any:
    """Return the definition of partitions that a spec tells, None for none."""
    if told is None:
        return None
    match told["kind"]:
        case "static":
            return dg.StaticPartitionsDefinition(told["keys"])
        case "multi":
            return dg.MultiPartitionsDefinition({name: definition_of(each) for name, each in told["by"].items()})
        case "cron":
            return dg.TimeWindowPartitionsDefinition(
                cron_schedule=told["cron"],
                start=told["start"],
                end=told["end"],
                fmt=told["fmt"],
                **told.get("more", {}),
            )
    return _WINDOWS[told["kind"]](told["start"], end_date=told["end"], **told.get("more", {}))


def mapping_of(told: dict[str, Any] | None) -> Any:
    """Return the mapping that a spec tells, None for the default."""
    if told is None:
        return None
    match told["kind"]:
        case "identity":
            return dg.IdentityPartitionMapping()
        case "all":
            return dg.AllPartitionMapping()
        case "last":
            return dg.LastPartitionMapping()
        case "specific":
            return dg.SpecificPartitionsPartitionMapping(told["keys"])
        case "static":
            return dg.StaticPartitionMapping(told["to"])
        case "window":
            return dg.TimeWindowPartitionMapping(
                start_offset=told["start"],
                end_offset=told["end"],
                allow_nonexistent_upstream_partitions=told["lenient"],
            )
        case "one of several":
            return dg.MultiToSingleDimensionPartitionMapping(told["dimension"])
    return dg.MultiPartitionMapping(
        {
            name: dg.DimensionPartitionMapping(each["dimension"], mapping_of(each["mapping"]))
            for name, each in told["by"].items()
        }
    )


def mapping(spec: dict[str, Any], note: Recorder) -> None:
    """Record the keys of two definitions, and what a mapping maps in both directions."""
    made: list[Any] = []

    def build() -> None:
        made.extend([definition_of(spec["upstream"]), definition_of(spec["downstream"]), mapping_of(spec["mapping"])])

    note.error("build", build)
    if len(made) < 3:
        return
    upstream, downstream, mapped = made
    note("upstream keys", [str(key) for key in upstream.get_partition_keys(current_time=NOW)])
    note("downstream keys", [str(key) for key in downstream.get_partition_keys(current_time=NOW)])
    note.error("fits", lambda: mapped.validate_partition_mapping(upstream, downstream))
    if note.record["fits"]["raises"] is not None:
        return
    for number, keys in enumerate(spec["downstream keys"]):

        def up(keys: list[str] = keys) -> Any:
            found = mapped.get_upstream_mapped_partitions_result_for_partitions(
                downstream.subset_with_partition_keys(keys), downstream, upstream, current_time=NOW
            )
            return {
                "keys": sorted(str(key) for key in found.partitions_subset.get_partition_keys()),
                "required and absent": sorted(
                    str(key) for key in found.required_but_nonexistent_subset.get_partition_keys()
                ),
            }

        note.error(f"up {number}", up)
    for number, keys in enumerate(spec["upstream keys"]):

        def down(keys: list[str] = keys) -> Any:
            found = mapped.get_downstream_partitions_for_partitions(
                upstream.subset_with_partition_keys(keys), upstream, downstream, current_time=NOW
            )
            return sorted(str(key) for key in found.get_partition_keys())

        note.error(f"down {number}", down)


def _told(ask: Callable[[], Any]) -> Any:
    try:
        return plain(ask())
    except Exception as error:
        return {"raises": error_kind(error)}


def runs(spec: dict[str, Any], note: Recorder) -> None:
    """Record what partitioned assets are told and read, request by request, and what the instance knows then."""
    nodes: list[dict[str, Any]] = spec["assets"]
    seen: dict[str, Any] = {}

    def asset_of(node: dict[str, Any]) -> Any:
        ins, deps = {}, []
        for dep in node["deps"]:
            key, by = nodes[dep["on"]]["key"], mapping_of(dep["mapping"])
            if dep["via"] == "value":
                metadata = {"allow_missing_partitions": True} if dep.get("lenient") else None
                ins[f"i{dep['on']}"] = dg.AssetIn(key=key, partition_mapping=by, metadata=metadata)
            else:
                deps.append(dg.AssetDep(key, partition_mapping=by))
        policy = dg.BackfillPolicy.single_run() if node["single run"] else None

        @dg.asset(
            name=node["key"],
            ins=ins,
            deps=deps,
            partitions_def=definition_of(node["partitions"]),
            backfill_policy=policy,
        )
        def partitioned(context, **inputs):  # type: ignore[no-untyped-def]
            told: dict[str, Any] = {"has": context.has_partition_key}
            if node["partitions"] is not None:
                told["keys"] = _told(lambda: [str(key) for key in context.partition_keys])
                told["key"] = _told(lambda: str(context.partition_key))
                if node["partitions"]["kind"] not in ("static", "multi"):
                    told["window"] = _told(lambda: context.partition_time_window)
            for name, value in inputs.items():
                # Dagster's order of keys of several dimensions follows from no rule.
                if nodes[int(name[1:])]["partitions"] is not None:
                    told[f"keys of {name}"] = _told(
                        lambda name=name: sorted(str(key) for key in context.asset_partition_keys_for_input(name))
                    )
                told[f"value of {name}"] = plain(value)
            seen[node["key"]] = told
            if node["single run"]:
                # What Dagster stores in files is one partition at a time.
                return dg.MaterializeResult(metadata={"keys": len(context.partition_keys)})
            return [node["key"], str(context.partition_key) if context.has_partition_key else None]

        return partitioned

    assets: list[Any] = []

    def build() -> None:
        assets.extend(asset_of(node) for node in nodes)
        dg.Definitions.validate_loadable(dg.Definitions(assets=assets))

    note.error("build", build, [node["key"] for node in nodes])
    if note.record["build"]["raises"] is not None:
        return
    with dg.DagsterInstance.ephemeral() as instance:
        for number, request in enumerate(spec["requests"]):
            seen.clear()
            key = nodes[request["asset"]]["key"]
            how: dict[str, Any] = {"partition_key": request["key"]} if "key" in request else {}
            if "range" in request:
                first, last = request["range"]
                how["tags"] = {
                    "dagster/asset_partition_range_start": first,
                    "dagster/asset_partition_range_end": last,
                }

            def act(key: str = key, how: dict[str, Any] = how, number: int = number) -> None:
                result = dg.materialize(assets, selection=[key], instance=instance, raise_on_error=False, **how)
                note.run(f"{number}: run", result)
                # Which partition of a range is told first follows from no rule.
                note.record[f"{number}: run"].get("materialized", []).sort(key=lambda each: str(each["partition"]))

            note.error(f"{number}: asked", act, [request.get("key") or key])
            note(f"{number}: told", dict(seen))
        for node in nodes:
            if node["partitions"] is not None:
                note(
                    f"materialized: {node['key']}",
                    sorted(instance.get_materialized_partitions(dg.AssetKey(node["key"]))),
                )
