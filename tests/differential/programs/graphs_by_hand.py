"""Graphs written without a decorator, what graphs and jobs say of themselves, and how inputs, outputs and tags pass through."""

import dagster as dg
from recorder import Recorder, program


@dg.op(tags={"cost": "low"}, description="gives one")
def one():
    return 1


@dg.op
def add(left, right):
    return left + right


@dg.op
def double(number: int) -> int:
    return number * 2


@dg.op(out={"low": dg.Out(int), "high": dg.Out(int)})
def bounds():
    return 1, 9


def fed_by(name, node, its):
    return dg.InputMapping(graph_input_name=name, mapped_node_name=node, mapped_node_input_name=its)


def gives(name, node, its):
    return dg.OutputMapping(graph_output_name=name, mapped_node_name=node, mapped_node_output_name=its)


def events_of(result):
    told = []
    for event in result.all_events:
        if event.event_type_value in ("STEP_START", "STEP_OUTPUT", "STEP_INPUT", "STEP_SUCCESS", "STEP_FAILURE"):
            told.append([event.event_type_value, event.step_key])
    return told


# ------------------------------------------------------------------------------------------------------------- by hand


@program
def inputs_and_outputs_are_mapped_by_hand(note: Recorder) -> None:
    inner = dg.GraphDefinition(
        name="inner",
        node_defs=[double, add],
        dependencies={"add": {"left": dg.DependencyDefinition("double")}},
        input_mappings=[
            dg.InputMapping(graph_input_name="number", mapped_node_name="double", mapped_node_input_name="number"),
            dg.InputMapping(graph_input_name="plus", mapped_node_name="add", mapped_node_input_name="right"),
        ],
        output_mappings=[
            dg.OutputMapping(graph_output_name="answer", mapped_node_name="add", mapped_node_output_name="result")
        ],
        description="twice and more",
    )
    outer = dg.GraphDefinition(
        name="outer",
        node_defs=[one, inner],
        dependencies={
            dg.NodeInvocation("one", alias="first"): {},
            dg.NodeInvocation("one", alias="second"): {},
            "inner": {"number": dg.DependencyDefinition("first"), "plus": dg.DependencyDefinition("second")},
        },
    )
    result = outer.to_job().execute_in_process()
    note.run("run", result, outputs=["inner.add"])
    note("of the graph", result.output_for_node("inner", "answer"))
    note("events", events_of(result))
    note("inputs", [each.name for each in inner.input_defs])
    note("outputs", [each.name for each in inner.output_defs])
    note("input dict", sorted(inner.input_dict))
    note("output dict", sorted(inner.output_dict))
    note("mapped", [[m.graph_input_name, m.mapped_node_name, m.mapped_node_input_name] for m in inner.input_mappings])
    note("gives", [[m.graph_output_name, m.mapped_node_name, m.mapped_node_output_name] for m in inner.output_mappings])
    note("name", inner.name)
    note("description", inner.description)


@program
def one_graph_input_feeds_several_ops(note: Recorder) -> None:
    fed = dg.GraphDefinition(
        name="fed",
        node_defs=[add],
        dependencies={"add": {}},
        input_mappings=[
            fed_by("number", "add", "left"),
            fed_by("number", "add", "right"),
        ],
        output_mappings=[gives("result", "add", "result")],
    )

    @dg.job
    def used():
        fed(one())

    note.run("run", used.execute_in_process(), outputs=["fed"])
    note("inputs", [each.name for each in fed.input_defs])


@program
def lists_are_collected_by_hand(note: Recorder) -> None:
    @dg.op
    def joined(items):
        return list(items)

    graph = dg.GraphDefinition(
        name="collected",
        node_defs=[one, double, joined],
        dependencies={
            "double": {"number": dg.DependencyDefinition("one", "result")},
            "joined": {
                "items": dg.MultiDependencyDefinition(
                    [dg.DependencyDefinition("double"), dg.DependencyDefinition("one")]
                )
            },
        },
    )
    note.run("run", graph.to_job().execute_in_process(), outputs=["joined"])


@program
def mistakes_in_graphs_by_hand_are_refused(note: Recorder) -> None:
    def graph(dependencies, **settings):
        return dg.GraphDefinition(name="broken", node_defs=[one, double, bounds], dependencies=dependencies, **settings)

    note.error("unknown node", lambda: graph({"duble": {"number": dg.DependencyDefinition("one")}}), ["duble"])
    note.error("unknown input", lambda: graph({"double": {"nummer": dg.DependencyDefinition("one")}}), ["nummer"])
    note.error("unknown output", lambda: graph({"double": {"number": dg.DependencyDefinition("one", "x")}}), ["x"])
    note.error(
        "mapping to nothing",
        lambda: graph({}, input_mappings=[fed_by("number", "duble", "number")]),
        ["duble"],
    )
    note.error(
        "mapping to no input",
        lambda: graph({}, input_mappings=[fed_by("number", "double", "nummer")]),
        ["nummer"],
    )
    note.error("mapping from no output", lambda: graph({}, output_mappings=[gives("answer", "one", "x")]), ["x"])
    note.error("bad name", lambda: dg.GraphDefinition(name="a name"), ["a name"])
    note.error("two of one name", lambda: dg.GraphDefinition(name="g", node_defs=[one, one.configured({}, name="one")]))
    note.error("no op", lambda: dg.GraphDefinition(name="g", node_defs=[3]))


@program
def invocations_have_alias_tags_hooks_and_policy(note: Recorder) -> None:
    seen = []

    @dg.success_hook
    def cheer(context):
        seen.append(context.op.name)

    tries = []

    @dg.op
    def flaky():
        tries.append(1)
        if len(tries) < 2:
            raise ValueError("again")
        return 3

    graph = dg.GraphDefinition(
        name="dressed",
        node_defs=[flaky],
        dependencies={
            dg.NodeInvocation(
                "flaky",
                alias="calm",
                tags={"a": "b"},
                hook_defs={cheer},
                retry_policy=dg.RetryPolicy(max_retries=1),
            ): {}
        },
    )
    result = graph.to_job().execute_in_process()
    note.run("run", result, outputs=["calm"])
    note("seen", seen)
    node = graph.nodes[0]
    note("node", [node.name, node.definition.name, node.tags.get("a")])


# --------------------------------------------------------------------------------------------------- what they tell


@program
def ops_tell_what_they_are(note: Recorder) -> None:
    @dg.op(
        ins={"number": dg.In(int, description="how many", default_value=3, metadata={"unit": "m"})},
        out={"low": dg.Out(int, is_required=False, io_manager_key="store"), "high": dg.Out(str)},
        required_resource_keys={"db"},
        config_schema={"n": int},
        tags={"team": "data"},
        description="does it",
        code_version="7",
        retry_policy=dg.RetryPolicy(max_retries=2),
        pool="heavy",
    )
    def described(context, number, after):
        """Not this."""
        return 1, "a"

    note("name", described.name)
    note("description", described.description)
    note("tags", described.tags)
    note("resources", described.required_resource_keys)
    note("inputs", [[each.name, each.description, each.has_default_value] for each in described.input_defs])
    note("default", described.input_dict["number"].default_value)
    note("input metadata", described.input_dict["number"].metadata)
    note("ins", sorted(described.ins))
    note("outputs", [[each.name, each.is_required, each.io_manager_key] for each in described.output_defs])
    note("outs", sorted(described.outs))
    note("output types", [each.dagster_type.display_name for each in described.output_defs])
    note("version", described.version)
    note("retries", described.retry_policy.max_retries)
    note("pool", described.pool)
    note("by docstring", one.description)

    @dg.op
    def documented():
        """From the docstring."""

    note("docstring", documented.description)
    note("kind", isinstance(described, dg.OpDefinition))


@program
def an_op_is_made_without_the_decorator(note: Recorder) -> None:
    def compute(_context, inputs):
        yield dg.Output(inputs["number"] + 1, "result")

    plus = dg.OpDefinition(
        compute_fn=compute,
        name="plus",
        ins={"number": dg.In(int)},
        outs={"result": dg.Out(int)},
        description="plus one",
        tags={"a": "b"},
    )

    @dg.job
    def job():
        plus(one())

    note.run("run", job.execute_in_process(), outputs=["plus"])
    note("says", [plus.name, plus.description, plus.tags])


@program
def jobs_tell_what_they_are(note: Recorder) -> None:
    @dg.success_hook
    def cheer(context):
        return None

    @dg.job(
        description="adds",
        tags={"team": "data"},
        run_tags={"ran": "yes"},
        metadata={"owner": "me"},
        hooks={cheer},
        resource_defs={"db": dg.ResourceDefinition.hardcoded_resource(3)},
        op_retry_policy=dg.RetryPolicy(max_retries=1),
        config={"ops": {"sized": {"config": {"n": 2}}}},
    )
    def work():
        double(sized())

    note("name", work.name)
    note("description", work.description)
    note("tags", work.tags)
    note("run tags", work.run_tags)
    note("metadata", work.metadata)
    note("hooks", len(work.hook_defs))
    note("resources", "db" in work.resource_defs)
    note("required", work.required_resource_keys)
    note("partitions", work.partitions_def)
    note("partitioned config", work.partitioned_config is None)
    note("run config", work.run_config)
    note("graph", work.graph.name)
    note("kind", isinstance(work, dg.JobDefinition))
    note("executor", work.executor_def.name)
    note("loggers", sorted(work.loggers))
    note("tags of run", work.execute_in_process().dagster_run.tags.get("ran"))
    note.run("run", work.execute_in_process(), outputs=["double"])


@dg.op(config_schema={"n": int}, required_resource_keys={"db"})
def sized(context):
    return context.op_config["n"] + context.resources.db


@program
def jobs_are_changed_into_others(note: Recorder) -> None:
    seen = []

    @dg.success_hook
    def cheer(context):
        seen.append(context.op.name)

    @dg.job(resource_defs={"db": dg.ResourceDefinition.hardcoded_resource(3)})
    def work():
        double(sized())

    hooked = work.with_hooks({cheer})
    config = {"ops": {"sized": {"config": {"n": 2}}}}
    note.run("hooked", hooked.execute_in_process(run_config=config), outputs=["double"])
    note("seen", seen)
    note("hooks", [len(work.hook_defs), len(hooked.hook_defs)])
    other = work.with_top_level_resources({"db": dg.ResourceDefinition.hardcoded_resource(30)})
    note.run("other", other.execute_in_process(run_config=config), outputs=["double"])
    note.run("given", work.execute_in_process(run_config=config, resources={"db": 300}), outputs=["double"])


@program
def a_graph_becomes_a_job_with_everything(note: Recorder) -> None:
    @dg.graph(description="twice", tags={"of": "graph"})
    def twice():
        return double(sized())

    job = twice.to_job(
        name="twice_now",
        description="at once",
        resource_defs={"db": dg.ResourceDefinition.hardcoded_resource(5)},
        config={"ops": {"sized": {"config": {"n": 1}}}},
        tags={"of": "job"},
        metadata={"a": 1},
        hooks=set(),
        executor_def=dg.in_process_executor,
        op_retry_policy=dg.RetryPolicy(max_retries=1),
    )
    note.run("run", job.execute_in_process(), outputs=["sized", "double"])
    part = twice.to_job(resource_defs={"db": dg.ResourceDefinition.hardcoded_resource(5)}, op_selection=["sized"])
    config = {"ops": {"sized": {"config": {"n": 4}}}}
    note.run("part", part.execute_in_process(run_config=config), outputs=["sized"])
    note("says", [job.name, job.description, job.tags, job.executor_def.name])
    plain = twice.to_job()
    note("plain", [plain.name, plain.description, plain.tags])
    note("graph", [twice.name, twice.description, twice.tags])
    note.error("no resource", lambda: plain.execute_in_process(), ["db"])
    unset = twice.to_job(resource_defs={"db": dg.ResourceDefinition.hardcoded_resource(5)})
    note.error("no config", lambda: unset.execute_in_process(), ["sized"])


# ------------------------------------------------------------------------------------------- nested, aliased, tagged


@program
def graphs_in_graphs_hand_values_through(note: Recorder) -> None:
    @dg.graph(ins={"number": dg.GraphIn(description="what is doubled")}, out=dg.GraphOut(description="doubled"))
    def inner(number):
        return double(number)

    @dg.graph(out={"small": dg.GraphOut(), "large": dg.GraphOut(description="more")})
    def outer(number):
        small = inner(number)
        return {"small": small, "large": inner.alias("again")(small)}

    @dg.job
    def whole():
        small, large = outer.alias("twice")(one())
        add(small, large)

    result = whole.execute_in_process()
    note.run("run", result, outputs=["add", "twice.again", "twice.inner.double"])
    note("events", events_of(result))
    note("small", result.output_for_node("twice", "small"))
    note("in", [[each.name, each.description] for each in inner.input_defs])
    note("out", [[each.name, each.description] for each in outer.output_defs])
    note("single", [[each.name, each.description] for each in inner.output_defs])
    note.error("no such", lambda: result.output_for_node("twice.missing"), ["missing"])


@program
def what_a_graph_returns_must_fit(note: Recorder) -> None:
    def returns_a_value():
        @dg.graph
        def wrong():
            return 3

    def one_of_two():
        @dg.graph(out={"a": dg.GraphOut(), "b": dg.GraphOut()})
        def wrong():
            return one()

    def unknown_name():
        @dg.graph(out={"a": dg.GraphOut(), "b": dg.GraphOut()})
        def wrong():
            return {"a": one(), "c": one()}

    def unused_input():
        @dg.graph
        def wrong(number):
            return one()

        return sorted(wrong.input_dict)

    def job_with_output():
        @dg.job
        def wrong():
            return one()

        return wrong.execute_in_process().success

    note.error("a value", returns_a_value, ["wrong"])
    note.error("one of two", one_of_two, ["wrong"])
    note.error("unknown name", unknown_name, ["wrong"])
    note.error("unused input", unused_input, ["number"])
    note.error("job with output", job_with_output, ["wrong"])


@program
def tags_of_ops_reach_their_steps(note: Recorder) -> None:
    seen = {}

    @dg.op(tags={"cost": "low", "team": "data"})
    def tagged(context):
        seen[context.op_handle.name if hasattr(context, "op_handle") else "op"] = dict(context.op.tags)
        return 1

    @dg.graph(tags={"of": "graph"})
    def group():
        tagged.tag({"cost": "high"})()
        tagged.alias("second").tag({"more": "yes"})()

    @dg.job(tags={"of": "job"})
    def whole():
        group()

    result = whole.execute_in_process(tags={"of": "run"})
    note.run("run", result, outputs=["group.tagged"])
    note("seen", seen)
    note("run tags", result.dagster_run.tags)


@program
def defaults_of_inputs_pass_through_graphs(note: Recorder) -> None:
    @dg.op(ins={"number": dg.In(int, default_value=7)})
    def defaulted(number):
        return number

    @dg.op
    def in_python(number: int = 8, word: str = "w"):
        return f"{word}{number}"

    @dg.graph
    def group(number):
        return defaulted(number)

    @dg.job
    def whole():
        defaulted()
        in_python()
        group(one())

    note.run("run", whole.execute_in_process(), outputs=["defaulted", "in_python", "group"])

    @dg.job
    def open_graph():
        group()

    note.error("nothing given", lambda: open_graph.execute_in_process().output_for_node("group"), ["number"])
    config = {"ops": {"group": {"inputs": {"number": {"value": 4}}}}}
    note.error("given", lambda: open_graph.execute_in_process(run_config=config).output_for_node("group"))
    inner = {"ops": {"group": {"ops": {"defaulted": {"inputs": {"number": 4}}}}}}
    note.error("given inside", lambda: open_graph.execute_in_process(run_config=inner).output_for_node("group"))


@program
def a_graph_runs_by_itself_with_inputs(note: Recorder) -> None:
    @dg.graph
    def group(number, plus):
        return add(double(number), plus)

    note.run("run", group.execute_in_process(input_values={"number": 2, "plus": 1}), outputs=["add"])
    result = group.to_job(input_values={"number": 2, "plus": 5}).execute_in_process()
    note("value", result.output_value())
    note.error("unknown value", lambda: group.to_job(input_values={"nummer": 2}), ["nummer"])
    note.error("missing", lambda: group.execute_in_process(input_values={"number": 2}), ["plus"])
    note.error("no such output", lambda: result.output_value("x"), ["x"])


@program
def config_reaches_ops_in_graphs(note: Recorder) -> None:
    @dg.op(config_schema={"n": dg.Field(int, default_value=1)})
    def sized(context):
        return context.op_config["n"]

    @dg.graph
    def inner():
        return sized()

    @dg.graph
    def outer():
        return inner.alias("deep")()

    @dg.job
    def whole():
        outer()

    config = {"ops": {"outer": {"ops": {"deep": {"ops": {"sized": {"config": {"n": 4}}}}}}}}
    note.run("run", whole.execute_in_process(run_config=config), outputs=["outer.deep.sized"])
    note.run("default", whole.execute_in_process(), outputs=["outer"])
    wrong = {"ops": {"outer": {"ops": {"dep": {}}}}}
    note.error("misspelt", lambda: whole.execute_in_process(run_config=wrong), ["dep"])
    note.error("type", lambda: dg.validate_run_config(whole, {"ops": {"outer": {"config": 3}}}), ["outer"])
    note("validated", dg.validate_run_config(whole, config)["ops"])

    @dg.config_mapping(config_schema={"size": int})
    def simplified(value):
        return {"inner": {"ops": {"sized": {"config": {"n": value["size"]}}}}}

    @dg.graph(config=simplified)
    def simple():
        return inner()

    @dg.job
    def uses():
        simple()

    note.run(
        "used", uses.execute_in_process(run_config={"ops": {"simple": {"config": {"size": 6}}}}), outputs=["simple"]
    )
    configured = simple.configured({"size": 9}, name="nine")

    @dg.job
    def uses_configured():
        configured()

    note.run("configured", uses_configured.execute_in_process(), outputs=["nine"])


@program
def branches_that_are_not_taken_are_skipped_in_graphs(note: Recorder) -> None:
    @dg.op(out={"yes": dg.Out(is_required=False), "no": dg.Out(is_required=False)}, config_schema=bool)
    def ask(context):
        if context.op_config:
            yield dg.Output("y", "yes")
        else:
            yield dg.Output("n", "no")

    @dg.op
    def said(word):
        return word

    @dg.op
    def either(words):
        return words

    @dg.graph
    def answer(word):
        return said(word)

    @dg.job
    def asking():
        yes, no = ask()
        either([answer.alias("agreed")(yes), answer.alias("refused")(no)])

    for value in (True, False):
        result = asking.execute_in_process(run_config={"ops": {"ask": {"config": value}}})
        note.run(str(value), result, outputs=["either"])
        note(f"{value} skipped", [e.step_key for e in result.all_events if e.event_type_value == "STEP_SKIPPED"])


@program
def a_dynamic_output_goes_through_graphs(note: Recorder) -> None:
    @dg.op(out=dg.DynamicOut(int))
    def pieces():
        for number in (2, 1):
            yield dg.DynamicOutput(number, mapping_key=f"n{number}")

    @dg.graph
    def both(number):
        return double(double(number))

    @dg.op
    def total(numbers):
        return sum(numbers)

    @dg.job
    def mapped():
        total(pieces().map(both).collect())

    result = mapped.execute_in_process()
    note.run("run", result, outputs=["total", "both"])
    note("steps", [event.step_key for event in result.get_step_success_events()])


@program
def nodes_are_selected_in_graphs(note: Recorder) -> None:
    @dg.graph
    def inner():
        return double(one())

    @dg.graph
    def outer():
        return double(inner())

    @dg.job
    def whole():
        add(outer(), one())

    for selection in (
        ["outer"],
        ["outer.inner"],
        ["outer.double"],
        ["outer.inner.one", "one"],
        ["*outer.inner.double"],
    ):
        note.error(
            " ".join(selection),
            lambda selection=selection: [
                event.step_key for event in whole.execute_in_process(op_selection=selection).get_step_success_events()
            ],
        )


@program
def hooks_on_graphs_reach_every_op(note: Recorder) -> None:
    seen = []

    @dg.success_hook(name="shout")
    def cheer(context):
        seen.append([context.op.name, context.step_key, sorted(context.op_output_values)])

    @dg.failure_hook
    def mourn(context):
        seen.append([context.step_key, type(context.op_exception).__name__])

    @dg.op
    def broken(value):
        raise KeyError("no")

    @dg.graph
    def inner():
        broken(double(one()))

    @dg.job
    def whole():
        inner.with_hooks({cheer, mourn})()
        one.alias("unhooked")()

    note.run("run", whole.execute_in_process(raise_on_error=False))
    note("seen", seen)
    note("names", [cheer.name, mourn.name])
    note("config", [sorted(cheer.required_resource_keys), cheer.hook_fn is not None])


@program
def jobs_run_by_their_parts(note: Recorder) -> None:
    @dg.op(ins={"after": dg.In(dg.Nothing)}, out=dg.Out(dg.Nothing))
    def stage(context):
        return None

    @dg.job
    def pipeline():
        first = stage.alias("first")()
        stage.alias("last")([stage.alias("left")(first), stage.alias("right")(first)])

    result = pipeline.execute_in_process()
    note.run("run", result)
    note("events", events_of(result))
