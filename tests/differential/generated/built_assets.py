"""Asset graphs of a spec: assets, multi-assets, checks, how they fail, and selections of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

import dagster as dg
from recorder import Recorder

Node = dict[str, Any]

# What tells of the engine, and not of the run, and what Headwater records of steps that did not run (docs/differences.md).
_OF_ONE_ENGINE = (
    *("ENGINE_EVENT", "RESOURCE_INIT", "LOGS_CAPTURED", "HOOK_SKIPPED", "STEP_WORKER"),
    *("STEP_BLOCKED", "ASSET_FAILED_TO_MATERIALIZE"),
)


class Project:
    """The definitions of a spec, and how often each of its assets was tried."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.nodes: list[Node] = spec["assets"]
        self.tries: Counter[str] = Counter()
        self.seen: list[str] = []
        self.assets: list[Any] = []
        # Assets and checks, in the alphabetical order of their steps, which is the order that both engines keep then.
        self.definitions: list[Any] = []
        for together, members in groupby(self.nodes, key=lambda node: node.get("with") or node["key"]):
            nodes = list(members)
            is_multi = nodes[0].get("with") is not None
            self.assets.append(self._multi(together, nodes) if is_multi else self._single(nodes[0]))
            self.definitions.append(self.assets[-1])
            beside = [check for check in nodes[0].get("checks", ()) if check["how"] == "beside"]
            self.definitions.extend(self._check(nodes[0], check) for check in beside)

    def key(self, number: int) -> Any:
        """Return the key of an asset by its number."""
        return dg.AssetKey(self.nodes[number]["key"].split("/"))

    def _ins(self, node: Node) -> dict[str, Any]:
        return {f"i{dep['on']}": dg.AssetIn(key=self.key(dep["on"])) for dep in node["deps"] if dep["via"] == "value"}

    def _deps(self, node: Node) -> list[Any]:
        return [self.key(dep["on"]) for dep in node["deps"] if dep["via"] == "order"]

    def _try(self, node: Node) -> None:
        """Fail as the spec says: so many times, and then no more."""
        self.tries[node["key"]] += 1
        self.seen.append(node["key"])
        fails = node.get("fails")
        if fails is None or self.tries[node["key"]] > fails["times"]:
            return
        said = f"{node['key']} is broken"
        if fails["with"] == "Failure":
            raise dg.Failure(said, metadata={"why": "spec"}, allow_retries=fails.get("allow_retries", True))
        if fails["with"] == "RetryRequested":
            raise dg.RetryRequested(max_retries=fails["at most"])
        raise {"ValueError": ValueError, "KeyError": KeyError, "OSError": OSError}[fails["with"]](said)

    @staticmethod
    def _words(node: Node) -> dict[str, Any]:
        told = {
            name: node[name] for name in ("group_name", "tags", "owners", "code_version", "metadata") if name in node
        }
        return told | ({"kinds": set(node["kinds"])} if "kinds" in node else {})

    def _single(self, node: Node) -> Any:
        inside = [check for check in node.get("checks", ()) if check["how"] == "inside"]
        retries = {"retry_policy": dg.RetryPolicy(max_retries=node["retries"])} if "retries" in node else {}
        decorate = dg.asset(
            key=self.key(self.nodes.index(node)),
            ins=self._ins(node),
            deps=self._deps(node),
            output_required=not node.get("skips", False),
            check_specs=[
                dg.AssetCheckSpec(check["name"], asset=dg.AssetKey(node["key"].split("/")), blocking=check["blocking"])
                for check in inside
            ],
            **retries,
            **self._words(node),
        )

        def number(inputs: dict[str, Any]) -> int:
            self._try(node)
            return int(node["number"] + sum(each or 0 for each in inputs.values())) % 1000

        results = [(check, self._result(check, node)) for check in inside if check["comes out"] != "says nothing"]
        if node.get("skips") or (results and node["returns"] != "result"):

            def yields(context, **inputs):  # type: ignore[no-untyped-def]
                value = number(inputs)
                if not node.get("skips"):
                    yield dg.Output(value, metadata={"n": value})
                    for _, result in results:
                        yield result

            return decorate(yields)

        def returns(context, **inputs):  # type: ignore[no-untyped-def]
            value = number(inputs)
            match node["returns"]:
                case "value":
                    return value
                case "output":
                    return dg.Output(value, metadata={"n": value, "of": node["key"]}, data_version=dg.DataVersion("v1"))
                case "result":
                    return dg.MaterializeResult(
                        metadata={"n": value, "ratio": value / 8}, check_results=[result for _, result in results]
                    )
            context.add_output_metadata({"added": value})
            return None

        return decorate(returns)

    def _multi(self, name: str, nodes: list[Node]) -> Any:
        is_subset = nodes[0].get("subset", False)
        retries = {"retry_policy": dg.RetryPolicy(max_retries=nodes[0]["retries"])} if "retries" in nodes[0] else {}
        if nodes[0]["returns"] == "result":
            specs = [
                dg.AssetSpec(
                    dg.AssetKey(node["key"].split("/")),
                    deps=self._deps(node),
                    skippable=node.get("skips", False),
                    **self._words(node),
                )
                for node in nodes
            ]

            @dg.multi_asset(name=name, specs=specs, can_subset=is_subset, **retries)
            def by_specs(context):  # type: ignore[no-untyped-def]
                for node in nodes:
                    key = dg.AssetKey(node["key"].split("/"))
                    if key in context.selected_asset_keys and not node.get("skips"):
                        self._try(node)
                        yield dg.MaterializeResult(asset_key=key, metadata={"n": node["number"]})

            return by_specs
        outs = {
            _output_name(node): dg.AssetOut(
                key=dg.AssetKey(node["key"].split("/")),
                is_required=not (node.get("skips") or is_subset),
                **self._words(node),
            )
            for node in nodes
        }

        @dg.multi_asset(
            name=name, outs=outs, ins=self._ins(nodes[0]), deps=self._deps(nodes[0]), can_subset=is_subset, **retries
        )
        def by_outs(context, **inputs):  # type: ignore[no-untyped-def]
            for node in nodes:
                if _output_name(node) in context.selected_output_names and not node.get("skips"):
                    self._try(node)
                    value = int(node["number"] + sum(each or 0 for each in inputs.values())) % 1000
                    yield dg.Output(value, output_name=_output_name(node), metadata={"n": value})

        return by_outs

    def _result(self, check: dict[str, Any], node: Node) -> Any:
        return dg.AssetCheckResult(
            check_name=check["name"],
            passed=check["comes out"] == "passes",
            severity=dg.AssetCheckSeverity.WARN if check["comes out"] == "warns" else dg.AssetCheckSeverity.ERROR,
            metadata={"looked at": node["number"]},
        )

    def _check(self, node: Node, check: dict[str, Any]) -> Any:
        @dg.asset_check(asset=dg.AssetKey(node["key"].split("/")), name=check["name"], blocking=check["blocking"])
        def beside() -> dg.AssetCheckResult:
            self.seen.append(f"{node['key']}:{check['name']}")
            if check["comes out"] == "raises":
                raise ValueError(f"{check['name']} is broken")
            return self._result(check, node)

        return beside

    def run(self, note: Recorder, label: str, **how: Any) -> Any:
        """Materialize, and record the result, what each step went through, and the values."""
        self.seen.clear()
        result = dg.materialize(self.definitions, raise_on_error=False, **how)
        note.run(label, result)
        note(f"{label}: functions", list(self.seen))
        note(f"{label}: events", events_by_step(result))
        made = {event.asset_key.to_user_string() for event in result.get_asset_materialization_events()}
        valued = [node for node in self.nodes if node["returns"] in ("value", "output") and node["key"] in made]
        note(f"{label}: values", {n["key"]: result.asset_value(dg.AssetKey(n["key"].split("/"))) for n in valued})
        return result


def _output_name(node: Node) -> str:
    return str(node["key"]).replace("/", "__")


def events_by_step(result: Any) -> dict[str, str]:
    """Return the kinds of the events of each step, in their order."""
    told: dict[str, list[str]] = {}
    for event in result.all_events:
        kind = str(event.event_type_value)
        if event.step_key is not None and not kind.startswith(_OF_ONE_ENGINE):
            told.setdefault(event.step_key, []).append(kind)
    return {step: " ".join(kinds) for step, kinds in sorted(told.items())}


def _specs(project: Project) -> Iterator[dict[str, Any]]:
    for definition in project.assets:
        for spec in definition.specs:
            yield {
                "key": spec.key,
                "deps": sorted(dep.asset_key.to_user_string() for dep in spec.deps),
                "group": definition.group_names_by_key[spec.key],
                "tags": spec.tags,
                "kinds": spec.kinds,
                "owners": spec.owners,
                "code version": spec.code_version,
            }


def graph(spec: dict[str, Any], note: Recorder) -> None:
    """Record what is declared, a run of everything, and what each selection selects and runs."""
    names = [node["key"] for node in spec["assets"]]
    project = _built(spec, note, names)
    if project is None:
        return
    note("declared", {told["key"].to_user_string(): told for told in _specs(project)})
    with dg.DagsterInstance.ephemeral() as instance:
        project.run(note, "run", instance=instance)
        for number, text in enumerate(spec["selections"]):
            label = f"select {number}"
            taken: list[Any] = []

            def select(text: str = text, taken: list[Any] = taken) -> Any:
                taken.append(dg.AssetSelection.from_string(text))
                keys = taken[0].resolve([*project.assets])
                return sorted(key.to_user_string() for key in keys)

            note.error(label, select, names)
            if note.record[label].get("gives"):
                note.error(
                    f"{label}: materialize",
                    lambda taken=taken, label=label: project.run(
                        note, label + ": run", instance=instance, selection=taken[0]
                    ),
                    names,
                )


def _built(spec: dict[str, Any], note: Recorder, names: list[str]) -> Project | None:
    built: list[Project] = []

    def build() -> None:
        project = Project(spec)
        dg.Definitions.validate_loadable(dg.Definitions(project.definitions))
        built.append(project)

    note.error("build", build, names)
    return built[0] if built else None


def failures(spec: dict[str, Any], note: Recorder) -> None:
    """Record a run, a second one (what failed so many times does not any more), and what is raised."""
    names = [node["key"] for node in spec["assets"]]
    project = _built(spec, note, names)
    if project is None:
        return
    with dg.DagsterInstance.ephemeral() as instance:
        for label in ("run", "again"):
            result = project.run(note, label, instance=instance)
            note(f"{label}: failed steps", sorted(result.get_failed_step_keys()))
    fresh = Project(spec)
    note.error("raised", lambda: dg.materialize(fresh.definitions).success, [f"{name} is broken" for name in names])
