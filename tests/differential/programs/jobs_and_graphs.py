"""Ops, graphs and jobs: how they are put together, what branches, retries and types do, and how they run again."""

from datetime import date

import dagster as dg
from recorder import Recorder, program

# ------------------------------------------------------------------------------------------------ wiring ops together


@dg.op
def one():
    return 1


@dg.op
def two():
    return 2


@dg.op
def add(left, right):
    return left + right


@dg.op
def double(number):
    return number * 2


@program
def a_job_of_ops_hands_values_on(note: Recorder) -> None:
    @dg.job(description="adds", tags={"team": "data"}, metadata={"owner": "me"})
    def sums():
        double(add(one(), two()))

    result = sums.execute_in_process()
    note.run("run", result, outputs=["one", "two", "add", "double"])
    note("name", sums.name)
    note("description", sums.description)
    note("tags", sums.tags)
    note("nodes", sorted(node.name for node in sums.graph.nodes))


@program
def the_same_op_twice_is_numbered_unless_aliased(note: Recorder) -> None:
    @dg.job
    def numbered():
        double(double(one()))

    @dg.job
    def aliased():
        double.alias("outer")(double.alias("inner")(one.tag({"kind": "start"})()))

    note.run("numbered", numbered.execute_in_process(), outputs=["double", "double_2"])
    note.run("aliased", aliased.execute_in_process(), outputs=["inner", "outer"])


@program
def the_inputs_of_a_job_come_from_config_or_values(note: Recorder) -> None:
    @dg.op(ins={"number": dg.In(int), "word": dg.In(str, default_value="w")})
    def written(number, word):
        return f"{word}{number}"

    @dg.job
    def from_config():
        written()

    @dg.job(input_values={"number": 4})
    def with_values(number):
        written(number)

    config = {"ops": {"written": {"inputs": {"number": {"value": 3}}}}}
    note.run("config", from_config.execute_in_process(run_config=config), outputs=["written"])
    note.run("values", with_values.execute_in_process(), outputs=["written"])
    note.run("other values", with_values.execute_in_process(input_values={"number": 9}), outputs=["written"])
    note.error("missing", lambda: from_config.execute_in_process(), mentions=["written", "number"])


@program
def a_graph_definition_is_written_by_hand(note: Recorder) -> None:
    graph = dg.GraphDefinition(
        name="by_hand",
        node_defs=[add, double, one],
        dependencies={
            dg.NodeInvocation("one", alias="first"): {},
            dg.NodeInvocation("one", alias="second"): {},
            "add": {"left": dg.DependencyDefinition("first"), "right": dg.DependencyDefinition("second", "result")},
            dg.NodeInvocation("double", alias="last", tags={"cost": "low"}): {"number": dg.DependencyDefinition("add")},
        },
    )
    note.run("run", graph.to_job().execute_in_process(), outputs=["add", "last"])
    note("names", sorted(node.name for node in graph.nodes))
    note("job", graph.to_job(name="renamed", tags={"a": "b"}).name)


@program
def several_outputs_fan_in_to_a_list(note: Recorder) -> None:
    @dg.op
    def summed(numbers: list[int]) -> int:
        return sum(numbers)

    @dg.job
    def fan_in():
        summed([one.alias("a")(), one.alias("b")(), two()])

    note.run("run", fan_in.execute_in_process(), outputs=["summed"])
    by_hand = dg.GraphDefinition(
        name="by_hand",
        node_defs=[one, summed, two],
        dependencies={
            "summed": {
                "numbers": dg.MultiDependencyDefinition(
                    [dg.DependencyDefinition("one"), dg.DependencyDefinition("two")]
                )
            }
        },
    )
    note.run("by hand", by_hand.to_job().execute_in_process(), outputs=["summed"])


@program
def nothing_orders_without_handing_on(note: Recorder) -> None:
    seen = []

    @dg.op(out=dg.Out(dg.Nothing))
    def prepared():
        seen.append("prepared")

    @dg.op(ins={"after": dg.In(dg.Nothing)})
    def used():
        seen.append("used")
        return 3

    @dg.op(ins={"all_of": dg.In(dg.Nothing)})
    def last():
        seen.append("last")

    @dg.job
    def ordered():
        last([prepared.alias("also")(), used(prepared())])

    note.run("run", ordered.execute_in_process(), outputs=["used"])
    note("seen", seen)


@program
def an_op_has_several_outputs(note: Recorder) -> None:
    @dg.op(out={"low": dg.Out(int, description="least"), "high": dg.Out(int)})
    def bounds():
        return 1, 9

    @dg.op(out={"low": dg.Out(int), "high": dg.Out(int, metadata={"unit": "m"})})
    def yielded():
        yield dg.Output(8, "high", metadata={"how": "guess"})
        yield dg.Output(2, "low")

    @dg.job
    def several():
        low, high = bounds()
        add(low, high)
        answer = yielded()
        add.alias("add_2")(answer.low, answer.high)

    result = several.execute_in_process()
    note.run("run", result, outputs=["add", "add_2"])
    note("high", result.output_for_node("bounds", "high"))
    outputs = [event.step_output_data for event in result.events_for_node("yielded") if event.is_successful_output]
    note("order", [each.output_name for each in outputs])
    note("metadata", {each.output_name: each.metadata for each in outputs})


@program
def a_branch_that_is_not_taken_is_skipped(note: Recorder) -> None:
    @dg.op(out={"left": dg.Out(is_required=False), "right": dg.Out(is_required=False)})
    def choose():
        yield dg.Output(1, "left")

    @dg.op
    def on_left(value):
        return value

    @dg.op
    def on_right(value):
        return value

    @dg.op
    def then(value):
        return value

    @dg.op
    def merged(values):
        return len(values)

    @dg.job
    def branching():
        left, right = choose()
        merged([on_left(left), then(on_right(right))])

    note.run("run", branching.execute_in_process(), outputs=["on_left"])


@program
def a_required_output_that_is_not_yielded_fails(note: Recorder) -> None:
    @dg.op(out={"a": dg.Out(), "b": dg.Out()})
    def half():
        yield dg.Output(1, "a")

    @dg.op(out={"a": dg.Out(), "b": dg.Out()})
    def other():
        yield dg.Output(1, "c")

    @dg.job
    def with_half():
        half()

    @dg.job
    def with_other():
        other()

    note.run("missing", with_half.execute_in_process(raise_on_error=False))
    note.error("missing error", lambda: with_half.execute_in_process(), mentions=["half", "b"])
    note.error("unknown error", lambda: with_other.execute_in_process(), mentions=["other", "c"])


@program
def dynamic_outputs_map_and_collect(note: Recorder) -> None:
    @dg.op(out=dg.DynamicOut(int))
    def pieces():
        for number in (3, 1, 2):
            yield dg.DynamicOutput(number, mapping_key=f"n{number}")

    @dg.op
    def total(numbers):
        return sum(numbers)

    @dg.job
    def mapped():
        single = one()
        doubled = pieces().map(double)
        total(doubled.map(lambda each: add(each, single)).collect())

    result = mapped.execute_in_process()
    note.run("run", result, outputs=["pieces", "double", "add", "total"])


@program
def no_dynamic_outputs_and_twice_the_same_key(note: Recorder) -> None:
    @dg.op(out=dg.DynamicOut())
    def none_at_all():
        yield from ()

    @dg.op(out=dg.DynamicOut())
    def twice():
        yield dg.DynamicOutput(1, "same")
        yield dg.DynamicOutput(2, "same")

    @dg.op
    def counted(values):
        return len(values)

    @dg.job
    def empty():
        counted(none_at_all().map(double).collect())

    @dg.job
    def clashing():
        counted(twice().map(double).collect())

    note.run("empty", empty.execute_in_process(), outputs=["counted"])
    note.error("clash", lambda: clashing.execute_in_process(), mentions=["twice", "same"])
    note.error("bad key", lambda: dg.DynamicOutput(1, "a key"), mentions=["a key"])


@program
def wiring_mistakes_are_refused(note: Recorder) -> None:
    def unwired():
        @dg.job
        def broken():
            add(one())

        return broken.execute_in_process()

    def unknown_input():
        @dg.job
        def broken():
            double(nummer=one())

    def invoked_with_a_value():
        @dg.job
        def broken():
            double(3)

    def unknown_dependency():
        return dg.GraphDefinition(
            name="broken", node_defs=[double], dependencies={"double": {"number": dg.DependencyDefinition("nowhere")}}
        )

    def a_circle():
        return dg.GraphDefinition(
            name="circle", node_defs=[double], dependencies={"double": {"number": dg.DependencyDefinition("double")}}
        ).to_job()

    note.error("unwired", unwired, mentions=["add", "right"])
    note.error("unknown input", unknown_input, mentions=["double", "nummer"])
    note.error("a value", invoked_with_a_value, mentions=["double", "number"])
    note.error("unknown dependency", unknown_dependency, mentions=["nowhere"])
    note.error("circle", a_circle, mentions=["double"])


# ------------------------------------------------------------------------------------------------ retries and failures


@program
def a_policy_retries_until_it_succeeds(note: Recorder) -> None:
    tries = {"flaky": 0, "hopeless": 0, "other": 0}

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
    def flaky(context):
        tries["flaky"] += 1
        if context.retry_number < 2:
            raise ValueError("again")
        return context.retry_number

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1, delay=0.01, backoff=dg.Backoff.LINEAR, jitter=dg.Jitter.FULL))
    def hopeless():
        tries["hopeless"] += 1
        raise ValueError("never")

    @dg.op
    def other():
        tries["other"] += 1
        raise ValueError("no")

    @dg.job
    def good():
        flaky()

    @dg.job(op_retry_policy=dg.RetryPolicy(max_retries=3))
    def bad():
        hopeless()
        other()

    note.run("good", good.execute_in_process(), outputs=["flaky"])
    note.run("bad", bad.execute_in_process(raise_on_error=False))
    note("tries", tries)
    policy = dg.RetryPolicy(max_retries=4, delay=2, backoff=dg.Backoff.EXPONENTIAL)
    note("delays", [policy.calculate_delay(number) for number in (1, 2, 3)])
    linear = dg.RetryPolicy(max_retries=4, delay=2, backoff=dg.Backoff.LINEAR)
    note("linear delays", [linear.calculate_delay(number) for number in (1, 2, 3)])
    note.error(
        "backoff without delay", lambda: dg.RetryPolicy(backoff=dg.Backoff.LINEAR), mentions=["backoff", "delay"]
    )


@program
def an_op_asks_for_a_retry(note: Recorder) -> None:
    tries = []

    @dg.op
    def asking():
        tries.append("asking")
        if len(tries) < 3:
            raise dg.RetryRequested(max_retries=2, seconds_to_wait=0)
        return len(tries)

    @dg.op
    def always():
        raise dg.RetryRequested(max_retries=1) from KeyError("cause")

    @dg.job
    def asks():
        asking()

    @dg.job
    def fails():
        always()

    note.run("asks", asks.execute_in_process(), outputs=["asking"])
    note.run("fails", fails.execute_in_process(raise_on_error=False))


@program
def with_retry_policy_overrides_one_invocation(note: Recorder) -> None:
    tries = []

    @dg.op
    def flaky():
        tries.append(1)
        if len(tries) < 2:
            raise ValueError("again")
        return "done"

    @dg.job
    def overridden():
        flaky.with_retry_policy(dg.RetryPolicy(max_retries=1))()

    note.run("run", overridden.execute_in_process(), outputs=["flaky"])


@program
def a_failure_tells_why_and_may_forbid_retries(note: Recorder) -> None:
    tries = []

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=3))
    def refused():
        tries.append(1)
        raise dg.Failure("bad file", metadata={"rows": 3, "page": dg.MetadataValue.md("*x*")}, allow_retries=False)

    @dg.job
    def failing():
        refused()

    result = failing.execute_in_process(raise_on_error=False)
    note.run("run", result)
    note("tries", len(tries))
    data = result.filter_events(lambda event: event.is_step_failure)[0].step_failure_data
    note("description", data.user_failure_data.description)
    note("metadata", data.user_failure_data.metadata)
    note("failed", result.is_node_failed("refused"))
    note.error("raised", lambda: failing.execute_in_process(), mentions=["bad file"])


@program
def what_depends_on_a_failed_op_does_not_run(note: Recorder) -> None:
    @dg.op
    def broken():
        raise RuntimeError("no")

    @dg.op
    def skipped_by_it(value):
        return value

    @dg.job
    def partly():
        skipped_by_it(broken())
        two()

    result = partly.execute_in_process(raise_on_error=False)
    note.run("run", result, outputs=["two"])
    note("states", {n: [result.is_node_success(n), result.is_node_failed(n)] for n in ("broken", "two")})
    note("untouched", result.is_node_untouched("skipped_by_it"))
    note.error("output of failed", lambda: result.output_for_node("broken"), mentions=["broken"])
    note.error("output of unknown", lambda: result.output_for_node("nobody"), mentions=["nobody"])


@program
def hooks_run_after_success_and_failure(note: Recorder) -> None:
    seen = []

    @dg.success_hook
    def cheer(context: dg.HookContext):
        seen.append(["success", context.op.name, context.job_name, context.step_key])

    @dg.failure_hook(required_resource_keys={"mail"})
    def mourn(context: dg.HookContext):
        seen.append(["failure", context.op.name, str(context.op_exception), context.resources.mail])

    @dg.success_hook
    def outputs(context: dg.HookContext):
        seen.append(["outputs", context.op_output_values])

    @dg.op
    def broken():
        raise ValueError("no")

    @dg.job(hooks={cheer, mourn}, resource_defs={"mail": dg.ResourceDefinition.hardcoded_resource("post")})
    def hooked():
        broken()
        one()

    @dg.job
    def on_one():
        double(one.with_hooks({outputs})())

    note.run("run", hooked.execute_in_process(raise_on_error=False))
    note("seen", seen)
    seen.clear()
    note.run("on one", on_one.execute_in_process())
    note("seen on one", seen)


@program
def a_hook_is_called_with_a_built_context(note: Recorder) -> None:
    @dg.failure_hook(required_resource_keys={"mail"})
    def mourn(context):
        return f"{context.op.name} {context.op_exception} {context.resources.mail}"

    context = dg.build_hook_context(resources={"mail": "post"}, op=one, op_exception=ValueError("no"))
    note("name", context.op.name)
    note("mail", context.resources.mail)
    note("exception", type(context.op_exception).__name__)
    note("returned", mourn(context) is None or "text")
    note.error("without context", lambda: mourn(), mentions=["mourn"])


@program
def a_failing_hook_does_not_fail_the_run(note: Recorder) -> None:
    @dg.success_hook
    def tripping(context):
        raise RuntimeError("tripped")

    @dg.job(hooks={tripping})
    def hooked():
        one()

    result = hooked.execute_in_process(raise_on_error=False)
    note.run("run", result)
    note("events", [e.event_type_value for e in result.all_events if e.event_type_value.startswith("HOOK")])


# --------------------------------------------------------------------------------------------- parts, and runs repeated


@dg.op(config_schema={"fails": dg.Field(bool, default_value=False)})
def perhaps(context, number):
    if context.op_config["fails"] and context.run.parent_run_id is None:
        raise ValueError("as told")
    return number + 1


@dg.job(executor_def=dg.in_process_executor)
def again_job():
    double(perhaps(one()))


@program
def part_of_a_job_runs(note: Recorder) -> None:
    @dg.job
    def sums():
        double(add(one(), two()))

    note.run("two", sums.execute_in_process(op_selection=["one", "two"]), outputs=["one", "two"])
    note.run("upstream", sums.execute_in_process(op_selection=["*add"]), outputs=["add"])
    note.run("one up", sums.execute_in_process(op_selection=["+add"]), outputs=["add"])
    note.error("unknown", lambda: sums.execute_in_process(op_selection=["ad"]), mentions=["ad"])

    @dg.graph
    def inner():
        return double(one())

    @dg.job
    def nested():
        inner()

    note.run("nested", nested.execute_in_process(op_selection=["inner.one"]), outputs=["inner.one"])


@program
def a_failed_run_is_taken_up_where_it_failed(note: Recorder) -> None:
    told = {"ops": {"perhaps": {"config": {"fails": True}}}}
    with dg.DagsterInstance.local_temp() as instance:
        job = dg.reconstructable(again_job)
        with dg.execute_job(job, instance, run_config=told) as first:
            note.run("first", first)
            failed_id = first.run_id
        options = dg.ReexecutionOptions.from_failure(failed_id, instance)
        with dg.execute_job(job, instance, reexecution_options=options) as second:
            note.run("second", second)
            note("value", second.output_for_node("double"))
        only = dg.ReexecutionOptions(parent_run_id=failed_id, step_selection=["perhaps"])
        with dg.execute_job(job, instance, reexecution_options=only) as third:
            note.run("one step", third, outputs=["perhaps"])
        run = instance.get_run_by_id(second.run_id)
        note("parent", run.parent_run_id == failed_id)
        note("root", run.root_run_id == failed_id)
        note("statuses", sorted(each.status.value for each in instance.get_runs()))
        with dg.execute_job(job, instance, op_selection=["one"]) as part:
            note.run("part", part, outputs=["one"])
        note.error("raise", lambda: dg.execute_job(job, instance, run_config=told, raise_on_error=True), ["as told"])


# ---------------------------------------------------------------------------------------------------------------- types


@program
def a_type_of_ones_own_checks_values(note: Recorder) -> None:
    def is_even(context, value):
        return dg.TypeCheck(success=value % 2 == 0, description="is it even?", metadata={"value": value})

    Even = dg.DagsterType(name="Even", type_check_fn=is_even, description="an even number")

    @dg.op(out=dg.Out(Even), config_schema=int)
    def given(context):
        return context.op_config

    @dg.op(ins={"number": dg.In(Even)})
    def taken(number):
        return number

    @dg.job
    def typed():
        taken(given())

    @dg.job
    def into():
        taken(one())

    def config(value):
        return {"ops": {"given": {"config": value}}}

    note.run("even", typed.execute_in_process(run_config=config(4)), outputs=["taken"])
    note.run("odd", typed.execute_in_process(run_config=config(3), raise_on_error=False))
    note.run("odd input", into.execute_in_process(raise_on_error=False))
    note.error("raised", lambda: typed.execute_in_process(run_config=config(3)), mentions=["given", "Even"])
    note("name", [Even.unique_name, Even.display_name, Even.description])


@program
def python_types_are_checked(note: Recorder) -> None:
    @dg.op
    def wrong() -> int:
        return "text"

    @dg.op
    def maybe(value: int | None) -> dict[str, int]:
        return {} if value is None else {"value": value}

    @dg.job
    def wrongly():
        wrong()

    note.error("wrong", lambda: wrongly.execute_in_process(), mentions=["wrong", "int"])
    note("maybe", maybe(None))
    checked = {
        "int": (int, "x"),
        "list": (dg.List[int], [1, "2"]),
        "dict": (dg.Dict[str, int], {"a": 1}),
        "tuple": (dg.Tuple[int, str], (1, 2)),
        "optional": (dg.Optional[int], None),
        "nothing": (dg.Nothing, None),
        "any": (dg.Any, 3),
        "bool is int": (int, True),
    }
    for label, (kind, value) in checked.items():
        note(label, dg.check_dagster_type(kind, value).success)


@program
def python_classes_become_types(note: Recorder) -> None:
    @dg.usable_as_dagster_type(name="Pt", description="a place")
    class Point:
        x = 1

    Day = dg.PythonObjectDagsterType(date, name="Day", description="a day")

    @dg.op(out=dg.Out(Day))
    def day():
        return date(2024, 1, 2)

    @dg.op
    def place() -> Point:
        return Point()

    @dg.op(out=dg.Out(Day))
    def wrong_day():
        return "today"

    @dg.job
    def good():
        day()
        place()

    @dg.job
    def bad():
        wrong_day()

    note.run("good", good.execute_in_process(), outputs=["day"])
    note.error("bad", lambda: bad.execute_in_process(), mentions=["Day", "wrong_day"])
    note("names", [Day.display_name, place.output_defs[0].dagster_type.display_name])
    note("types", [day.output_defs[0].dagster_type.display_name, place.output_defs[0].dagster_type.description])


# ---------------------------------------------------------------------------------------------------- direct invocation


@program
def an_op_is_called_as_a_function(note: Recorder) -> None:
    @dg.op(config_schema={"by": int}, required_resource_keys={"base"})
    def scale(context, number: int):
        return number * context.op_config["by"] + context.resources.base

    context = dg.build_op_context(op_config={"by": 3}, resources={"base": 10})
    note("plain", add(1, right=2))
    note("scaled", scale(context, 2))
    note.error("no context", lambda: scale(2), mentions=["scale"])
    note.error("wrong config", lambda: scale(dg.build_op_context(op_config={"by": "x"}, resources={"base": 1}), 2))
    note.error("missing input", lambda: add(1), mentions=["right"])
    note.error("too many", lambda: add(1, 2, 3), mentions=["add"])


@program
def a_called_op_gives_its_outputs(note: Recorder) -> None:
    @dg.op(out={"a": dg.Out(int), "b": dg.Out(int)})
    def pair():
        return 1, 2

    @dg.op(out={"a": dg.Out(int), "b": dg.Out(int)})
    def yielding():
        yield dg.Output(1, "a")
        yield dg.Output(2, "b")

    @dg.op
    def wrapped():
        return dg.Output(5, metadata={"n": 1})

    @dg.op
    def wrong() -> int:
        return "x"

    @dg.op
    def told(context):
        context.add_output_metadata({"rows": 3})
        context.log_event(dg.AssetMaterialization("table", metadata={"rows": 3}))
        return 1

    note("pair", pair())
    note("yielding", [[each.output_name, each.value] for each in yielding()])
    note("wrapped", wrapped().value)
    note.error("wrong", lambda: wrong(), mentions=["int"])
    context = dg.build_op_context()
    told(context)
    note("metadata", context.get_output_metadata("result"))
    note("events", [type(each).__name__ for each in context.get_events()])


@program
def configured_ops_and_graphs_fix_their_config(note: Recorder) -> None:
    @dg.op(config_schema={"by": int, "plus": dg.Field(int, default_value=0)})
    def scale(context, number):
        return number * context.op_config["by"] + context.op_config["plus"]

    thrice = dg.configured(scale, name="thrice")({"by": 3})

    @dg.configured(scale, config_schema=int)
    def times(by):
        return {"by": by, "plus": 1}

    @dg.job
    def both():
        times(thrice(one()))

    config = {"ops": {"times": {"config": 5}}}
    note.run("run", both.execute_in_process(run_config=config), outputs=["thrice", "times"])

    @dg.graph(config=dg.ConfigMapping(config_schema={"by": int}, config_fn=lambda c: {"scale": {"config": c}}))
    def scaled():
        return scale(one())

    @dg.job(config={"ops": {"scaled": {"config": {"by": 7}}}})
    def mapping():
        scaled()

    note.run("mapping", mapping.execute_in_process(), outputs=["scaled.scale"])


@program
def a_graph_becomes_several_jobs(note: Recorder) -> None:
    @dg.op(required_resource_keys={"base"})
    def based(context):
        context.log_event(dg.AssetMaterialization("table", metadata={"base": context.resources.base}))
        context.log_event(dg.AssetObservation("seen"))
        yield dg.ExpectationResult(success=True, label="fine")
        yield dg.Output(context.resources.base)

    @dg.graph
    def work():
        based()

    small = work.to_job("small", resource_defs={"base": dg.ResourceDefinition.hardcoded_resource(1)})
    large = work.to_job("large", resource_defs={"base": dg.ResourceDefinition.hardcoded_resource(100)})
    note.run("small", small.execute_in_process(), outputs=["based"])
    note.run("large", large.execute_in_process(), outputs=["based"])
    note.run("direct", work.execute_in_process(resources={"base": 5}), outputs=["based"])


def told_of(result):
    """Return each event of the run itself and of its steps, in their order."""
    kinds = (
        "STEP_START",
        "STEP_INPUT",
        "STEP_OUTPUT",
        "STEP_SUCCESS",
        "STEP_FAILURE",
        "STEP_SKIPPED",
        "STEP_UP_FOR_RETRY",
    )
    hooks = ("HOOK_COMPLETED", "HOOK_ERRORED", "STEP_RESTARTED", "STEP_EXPECTATION_RESULT")
    return [
        [each.event_type_value, each.step_key] for each in result.all_events if each.event_type_value in kinds + hooks
    ]


@program
def events_come_in_an_order(note: Recorder) -> None:
    @dg.success_hook
    def cheer(context):
        return None

    @dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
    def flaky(context, number):
        if context.retry_number == 0:
            raise ValueError("again")
        return number

    @dg.op(out={"a": dg.Out(is_required=False), "b": dg.Out(is_required=False)})
    def choose(number):
        yield dg.ExpectationResult(success=True, label="fine")
        yield dg.Output(number, "a")

    @dg.op
    def broken(number):
        raise RuntimeError("no")

    @dg.job(hooks={cheer})
    def whole():
        a, b = choose(flaky(one()))
        double.alias("taken")(a)
        double.alias("left_out")(b)

    @dg.job
    def failing():
        double(broken(one()))

    note("whole", told_of(whole.execute_in_process()))
    result = failing.execute_in_process(raise_on_error=False)
    note("failing", told_of(result))
    failure = result.filter_events(lambda event: event.is_failure and not event.step_key)[0]
    note("job failed", [failure.is_failure, failure.job_failure_data.error is not None])
    note(
        "nodes",
        [e.event_type_value for e in result.events_for_node("broken") if e.event_type_value.startswith("STEP_")],
    )


@program
def retries_are_told_in_order(note: Recorder) -> None:
    @dg.op
    def asks(context):
        if context.retry_number < 2:
            raise dg.RetryRequested(max_retries=3)
        return context.retry_number

    @dg.job
    def work():
        double(asks())

    result = work.execute_in_process()
    note("events", told_of(result))
    note.run("run", result, outputs=["asks", "double"])
    note("retried", len(result.filter_events(lambda event: event.is_step_up_for_retry)))
    note("restarted", len(result.filter_events(lambda event: event.is_step_restarted)))


@program
def mapped_steps_are_told_in_order(note: Recorder) -> None:
    @dg.op(out=dg.DynamicOut(int))
    def pieces():
        yield dg.DynamicOutput(2, "b")
        yield dg.DynamicOutput(1, "a")

    @dg.op
    def refuses_two(number):
        if number == 2:
            raise ValueError("two")
        return number

    @dg.op
    def total(numbers):
        return sum(numbers)

    @dg.job
    def fine():
        total(pieces().map(double).collect())

    @dg.job
    def partly():
        total(pieces().map(refuses_two).collect())

    note("fine", told_of(fine.execute_in_process()))
    result = partly.execute_in_process(raise_on_error=False)
    note.run("partly", result)
    note("partly keys", result.get_failed_step_keys())
    note("output", fine.execute_in_process().output_for_node("double"))


@program
def configs_of_runs_are_checked_before_they_start(note: Recorder) -> None:
    @dg.op(config_schema={"n": int, "word": dg.Field(str, default_value="w")})
    def sized(context):
        return [context.op_config["n"], context.op_config["word"]]

    @dg.job
    def work():
        sized()

    def with_config(config):
        return lambda: work.execute_in_process(run_config=config).output_for_node("sized")

    note.error("fine", with_config({"ops": {"sized": {"config": {"n": 1}}}}))
    note.error("by class", with_config(dg.RunConfig(ops={"sized": {"config": {"n": 2}}})))
    note.error("missing", with_config({}), ["sized"])
    note.error("misspelt op", with_config({"ops": {"sizd": {"config": {"n": 1}}}}), ["sizd"])
    note.error("misspelt field", with_config({"ops": {"sized": {"config": {"m": 1}}}}), ["m"])
    note.error("type", with_config({"ops": {"sized": {"config": {"n": "x"}}}}), ["n"])
    note.error("section", with_config({"opz": {}}), ["opz"])
    note.error("no mapping", with_config({"ops": 3}), ["ops"])
    valid = dg.validate_run_config(work, {"ops": {"sized": {"config": {"n": 1}}}})
    note("validated", valid["ops"]["sized"]["config"])
    note.error("not valid", lambda: dg.validate_run_config(work, {"ops": {"sized": {"config": {}}}}), ["n"])
    note.error("nothing", lambda: dg.validate_run_config(work), ["sized"])


@program
def results_of_jobs_are_asked(note: Recorder) -> None:
    @dg.op(out={"low": dg.Out(), "high": dg.Out()})
    def bounds():
        yield dg.AssetMaterialization("table", metadata={"n": 1})
        yield dg.Output(1, "low")
        yield dg.Output(9, "high")

    @dg.job(tags={"a": "b"})
    def work():
        low, high = bounds()
        add(low, high)

    result = work.execute_in_process(tags={"c": "d"}, run_id="12345678-1234-1234-1234-123456789012")
    note("run id", result.run_id)
    note("run", [result.dagster_run.job_name, result.dagster_run.status, result.dagster_run.is_success])
    note("tags", {key: value for key, value in result.dagster_run.tags.items() if "/" not in key})
    note("job", result.job_def.name)
    note("outputs", [result.output_for_node("bounds", "low"), result.output_for_node("bounds", output_name="high")])
    note("materialized", [each.label for each in result.asset_materializations_for_node("bounds")])
    note("successes", [each.step_key for each in result.get_step_success_events()])
    note("node events", len(result.all_node_events) > 0)
    note(
        "outputs of node",
        [each.step_output_data.output_name for each in result.filter_events(lambda e: e.is_successful_output)],
    )
    note.error("no output", lambda: result.output_for_node("bounds", "middle"), ["middle"])
    note.error("no node", lambda: result.output_for_node("bound"), ["bound"])
    note.error("no default output", lambda: result.output_for_node("bounds"), ["bounds"])
    note("failures", len(result.filter_events(lambda event: event.is_failure)))
