"""Jobs of a spec: ops, graphs in graphs, fan-in, dynamic outputs, optional outputs, config, retries and failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import dagster as dg
from built_assets import events_by_step
from recorder import Recorder


def total(value: Any) -> int:
    """Return the sum of all numbers in a value."""
    if isinstance(value, list | tuple):
        return sum(total(each) for each in value)
    return int(value or 0)


class Work:
    """The ops of a spec, and what ran."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.seen: list[str] = []
        self.tries: Counter[str] = Counter()
        self.ops = {told["name"]: self._op(told) for told in spec["ops"]}
        self.told = {told["name"]: told for told in spec["ops"]}
        self.graphs = 0

    def _op(self, told: dict[str, Any]) -> Any:
        names = [f"x{number}" for number in range(told["takes"])]
        is_dynamic = told.get("spreads") is not None
        if is_dynamic:
            outs: dict[str, Any] = {"result": dg.DynamicOut()}
        else:
            outs = {each["name"]: dg.Out(is_required=each["required"]) for each in told["outs"]}
        retries = {"retry_policy": dg.RetryPolicy(max_retries=told["retries"])} if "retries" in told else {}
        schema = {"config_schema": {"by": dg.Field(int, default_value=told["by"])}} if "by" in told else {}

        @dg.op(
            name=told["name"],
            ins={name: dg.In() for name in names},
            out=outs,
            tags=told.get("tags"),
            **retries,
            **schema,
        )
        def work(context, **inputs):  # type: ignore[no-untyped-def]
            self.seen.append(f"{told['name']} {sorted((name, total(value)) for name, value in inputs.items())}")
            self.tries[told["name"]] += 1
            if self.tries[told["name"]] <= told.get("fails", 0):
                raise ValueError(f"{told['name']} is broken")
            value = (told["number"] + total(list(inputs.values()))) % 1000
            if "by" in told:
                value = value * context.op_config["by"] % 1000
            if is_dynamic:
                for number in range(told["spreads"]):
                    yield dg.DynamicOutput(value + number, mapping_key=f"k{number}")
                return
            for number, each in enumerate(told["outs"]):
                if each["yields"]:
                    yield dg.Output(value + number, output_name=each["name"])

        return work

    def compose(self, calls: list[dict[str, Any]], given: list[Any]) -> Any:
        """Call what a body says, in its order; return what the last call gives."""
        made: list[Any] = []

        def value_of(ref: dict[str, Any]) -> Any:
            if "given" in ref:
                return given[ref["given"]]
            if "fan" in ref:
                return [value_of(each) for each in ref["fan"]]
            value = made[ref["of"]]
            return getattr(value, ref["out"]) if "out" in ref else value

        for call in calls:
            inputs = [value_of(each) for each in call["inputs"]]
            named = {f"x{number}": value for number, value in enumerate(inputs)}
            if "graph" in call:
                made.append(self._graph(call["graph"])(**named))
            elif "each" in call:
                # The first input is a dynamic output: one call for each of its values, and perhaps all results together.
                each = self._callable(call["each"], call.get("as"))
                results = inputs[0].map(each)
                made.append(self.ops[call["then"]](results.collect()) if call.get("then") else results)
            else:
                made.append(self._callable(call["op"], call.get("as"))(**named))
        return made[-1]

    def _callable(self, name: str, alias: str | None) -> Any:
        return self.ops[name].alias(alias) if alias else self.ops[name]

    def _graph(self, told: dict[str, Any]) -> Any:
        takes: dict[int, Callable[..., Any]] = {
            0: lambda: self.compose(told["body"], []),
            1: lambda x0: self.compose(told["body"], [x0]),
            2: lambda x0, x1: self.compose(told["body"], [x0, x1]),
        }
        return dg.graph(name=told["name"])(takes[told["takes"]])


def job(spec: dict[str, Any], note: Recorder) -> None:
    """Record a run of a job, runs of selections of its ops, and what is raised."""
    made: list[Any] = []
    names = [told["name"] for told in spec["ops"]]

    def build() -> None:
        work = Work(spec)

        def body() -> None:
            work.compose(spec["body"], [])

        made.extend([work, dg.job(name="work")(body)])

    note.error("build", build, names)
    if not made:
        return
    work, built = made
    config = {"ops": spec["config"]} if spec["config"] else None
    run(note, "run", work, lambda: built.execute_in_process(run_config=config, raise_on_error=False), spec)
    for number, selection in enumerate(spec["selections"]):
        work.tries.clear()

        def select(selection: list[str] = selection) -> Any:
            return built.execute_in_process(op_selection=selection, raise_on_error=False)

        note.error(
            f"select {number}",
            lambda select=select, number=number: run(note, f"select {number}: run", work, select, spec),
            names,
        )
    if not any(told.get("fails") for told in spec["ops"]):
        return
    work.tries.clear()
    note.error("raised", lambda: built.execute_in_process(run_config=config).success, [f"{n} is broken" for n in names])


def run(note: Recorder, label: str, work: Work, act: Callable[[], Any], spec: dict[str, Any]) -> None:
    """Run, and record the result, what each op was given, what each step went through, and what outputs were."""
    work.seen.clear()
    result = act()
    note.run(label, result)
    note(f"{label}: functions", list(work.seen))
    note(f"{label}: events", events_by_step(result))
    outputs: dict[str, Any] = {}
    for event in result.all_events:
        if event.event_type_value == "STEP_OUTPUT":
            handle = event.step_output_data.step_output_handle
            said = f"{handle.step_key}.{handle.output_name}"
            outputs[said + (f"[{handle.mapping_key}]" if handle.mapping_key else "")] = True
    note(f"{label}: outputs", sorted(outputs))
    for call in spec["body"]:
        node = (call.get("as") or call["op"]) if "op" in call else None
        succeeded = {event.step_key for event in result.all_events if event.event_type_value == "STEP_SUCCESS"}
        if node in succeeded and work.told[call["op"]].get("spreads") is None:
            for each in work.told[call["op"]]["outs"]:
                if each["yields"]:
                    note(f"{label}: {node}.{each['name']}", result.output_for_node(node, each["name"]))
