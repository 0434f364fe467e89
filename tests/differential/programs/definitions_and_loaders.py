"""Definitions: what they answer, merge and resolve, how they are found in modules, and what assets and specs tell."""

import sys
from pathlib import Path

import dagster as dg
from recorder import Recorder, program


def asset_of(name, deps=(), **settings):
    @dg.asset(name=name, deps=list(deps), **settings)
    def made():
        return name

    return made


def module_of(name, text):
    """Write a module and import it; the same name is imported anew by each program."""
    Path(f"{name}.py").write_text(text)
    return imported(name)


def imported(name):
    for known in [each for each in sys.modules if each == name or each.startswith(f"{name}.")]:
        del sys.modules[known]
    sys.path.insert(0, str(Path.cwd()))
    try:
        return __import__(name)
    finally:
        sys.path.pop(0)


def package_of(name, files):
    folder = Path(name)
    for path, text in {"__init__.py": "", **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return imported(name)


@dg.op
def say():
    return "said"


@dg.job
def saying():
    say()


@dg.asset
def beside():
    return 1


@dg.asset_check(asset=beside)
def beside_is_one(beside):
    return dg.AssetCheckResult(passed=beside == 1)


# ------------------------------------------------------------------------------------------------- what they answer


@program
def definitions_answer_by_name(note: Recorder) -> None:
    @dg.schedule(job=saying, cron_schedule="0 1 * * *")
    def nightly():
        return {}

    @dg.sensor(job=saying)
    def watching():
        yield dg.SkipReason("no")

    defs = dg.Definitions(
        assets=[asset_of("a"), asset_of("b", ["a"], group_name="g"), dg.AssetSpec("outside")],
        jobs=[saying, dg.define_asset_job("some", selection="b")],
        schedules=[nightly],
        sensors=[watching],
        metadata={"owner": "me", "rows": 3},
    )
    note("job", defs.resolve_job_def("saying").name)
    note("old name", defs.get_job_def("saying").name)
    note("asset job", defs.resolve_job_def("some").execute_in_process().success)
    note("schedule", defs.resolve_schedule_def("nightly").name)
    note("sensor", defs.resolve_sensor_def("watching").name)
    note("old schedule", defs.get_schedule_def("nightly").name)
    note("old sensor", defs.get_sensor_def("watching").name)
    note("keys", set(defs.resolve_all_asset_keys()))
    note("specs", {spec.key.to_user_string(): spec.group_name for spec in defs.resolve_all_asset_specs()})
    note("metadata", defs.metadata)
    note("graph", {k.to_user_string() for k in defs.resolve_asset_graph().get_all_asset_keys()})
    note("all job names", sorted(job.name for job in defs.resolve_all_job_defs() if not job.name.startswith("__")))
    note("implicit", defs.resolve_implicit_global_asset_job_def().execute_in_process().success)
    note("assets", len(defs.assets))
    note("jobs", [each.name for each in defs.jobs])
    note("schedules", [each.name for each in defs.schedules])
    note("sensors", [each.name for each in defs.sensors])
    note("checks", defs.asset_checks)
    note("resources", defs.resources)
    note("executor", defs.executor)
    note("loggers", defs.loggers)
    note.error("no job", lambda: defs.resolve_job_def("sayin"), ["sayin"])
    note.error("no schedule", lambda: defs.resolve_schedule_def("nightl"), ["nightl"])
    note.error("no sensor", lambda: defs.resolve_sensor_def("watch"), ["watch"])
    note.error("one asset", lambda: defs.resolve_assets_def("b").key)
    note.error("no asset", lambda: defs.resolve_assets_def("c"), ["c"])


@program
def definitions_are_merged(note: Recorder) -> None:
    one = dg.Definitions(assets=[asset_of("a")], resources={"x": 1}, jobs=[saying], metadata={"from": "one"})
    two = dg.Definitions(assets=[asset_of("b", ["a"])], resources={"y": 2}, metadata={"also": "two"})
    merged = dg.Definitions.merge(one, two)
    note("keys", set(merged.resolve_all_asset_keys()))
    note("resources", merged.resources)
    note("metadata", merged.metadata)
    note("jobs", [each.name for each in merged.jobs])
    note("same resource", dg.Definitions.merge(one, dg.Definitions(resources={"x": 1})).resources)
    note.error("resource twice", lambda: dg.Definitions.merge(one, dg.Definitions(resources={"x": 2})).resources, ["x"])
    note.error(
        "asset twice",
        lambda: set(dg.Definitions.merge(one, dg.Definitions(assets=[asset_of("a")])).resolve_all_asset_keys()),
        ["a"],
    )
    note.error(
        "metadata twice", lambda: dg.Definitions.merge(one, dg.Definitions(metadata={"from": "x"})).metadata, ["from"]
    )
    executors = [dg.Definitions(executor=dg.in_process_executor), dg.Definitions(executor=dg.multiprocess_executor)]
    note.error("executors", lambda: dg.Definitions.merge(*executors).executor.name, ["executor"])
    note.error("nothing", lambda: set(dg.Definitions.merge().resolve_all_asset_keys()))
    note("executor", dg.Definitions.merge(one, executors[0]).executor.name)


@program
def definitions_refuse_what_does_not_fit(note: Recorder) -> None:
    def valid(**parts):
        return lambda: dg.Definitions.validate_loadable(dg.Definitions(**parts))

    @dg.asset(required_resource_keys={"db"})
    def needs():
        return 1

    @dg.op
    def other():
        return 2

    @dg.job(name="saying")
    def second():
        other()

    @dg.schedule(job_name="nobody", cron_schedule="0 1 * * *")
    def lost():
        return {}

    circle = [asset_of("a", ["b"]), asset_of("b", ["a"])]
    note.error("fine", valid(assets=[asset_of("a")]))
    note.error("resource", valid(assets=[needs]), ["needs", "db"])
    note.error("asset twice", valid(assets=[asset_of("a"), asset_of("a")]), ["a"])
    note.error("job twice", valid(jobs=[saying, second]), ["saying"])
    note.error("circle", valid(assets=circle), ["a", "b"])
    note.error("no such job", valid(schedules=[lost]), ["nobody"])
    note.error("asset job of nothing", valid(jobs=[dg.define_asset_job("j", selection="nothing")]), ["nothing"])
    note.error("no asset", valid(assets=[3]))
    note.error("no job", valid(jobs=["saying"]))
    note.error("no sensor", valid(sensors=[saying]))


@program
def specs_are_mapped_in_definitions(note: Recorder) -> None:
    @dg.asset(tags={"a": "1"}, metadata={"m": 1})
    def first():
        return 1

    defs = dg.Definitions(assets=[first, dg.AssetSpec("second", deps=["first"]), asset_of("third", group_name="g")])

    def told(of):
        return {
            spec.key.to_user_string(): [spec.group_name, dict(spec.tags), dict(spec.metadata), spec.owners]
            for spec in of.resolve_all_asset_specs()
        }

    note("grouped", told(defs.map_asset_specs(func=lambda spec: spec.replace_attributes(group_name="all"))))
    note(
        "merged",
        told(defs.map_asset_specs(func=lambda spec: spec.merge_attributes(tags={"b": "2"}, owners=["team:x"]))),
    )
    some = defs.map_resolved_asset_specs(func=lambda s: s.replace_attributes(group_name="h"), selection="second")
    note("selected", told(some))
    by_group = defs.map_resolved_asset_specs(
        func=lambda spec: spec.merge_attributes(metadata={"n": 2}), selection=dg.AssetSelection.groups("g")
    )
    note("by group", told(by_group))
    note.error(
        "renamed", lambda: told(defs.map_asset_specs(func=lambda s: s.replace_attributes(key=s.key.with_prefix("p"))))
    )


@program
def definitions_carry_resources_and_loggers_to_jobs(note: Recorder) -> None:
    seen = []

    class Db(dg.ConfigurableResource):
        url: str

    @dg.asset
    def reads(db: Db):
        seen.append(db.url)
        return 1

    @dg.op
    def asks(db: Db):
        seen.append(f"op {db.url}")

    @dg.job
    def asking():
        asks()

    @dg.job(resource_defs={"db": Db(url="own")})
    def own():
        asks()

    defs = dg.Definitions(
        assets=[reads],
        jobs=[asking, own, dg.define_asset_job("all_assets")],
        resources={"db": Db(url="shared")},
        executor=dg.in_process_executor,
    )
    for name in ("asking", "own", "all_assets"):
        note(name, defs.resolve_job_def(name).execute_in_process().success)
    note("seen", seen)
    note("executor", defs.resolve_job_def("asking").executor_def.name)
    note.error("no resource", lambda: asking.execute_in_process(), ["db"])


@program
def definitions_are_made_by_a_function(note: Recorder) -> None:
    calls = []

    @dg.definitions
    def lazy():
        calls.append("lazy")
        return dg.Definitions(assets=[asset_of("a")])

    note("not yet", list(calls))
    defs = lazy()
    note("called", calls)
    note("keys", set(defs.resolve_all_asset_keys()))

    @dg.definitions
    def wrong():
        return 3

    note.error("wrong", lambda: wrong(), ["wrong"])

    @dg.definitions
    def with_context(context: dg.ComponentLoadContext):
        return dg.Definitions(assets=[asset_of("b")])

    note("takes context", callable(with_context))


# ---------------------------------------------------------------------------------------------------- found in modules

MODULE = """
import dagster as dg

@dg.asset
def first():
    return 1

@dg.asset(group_name="kept")
def second(first):
    return first

outside = dg.AssetSpec("outside")
source = dg.SourceAsset("source")
several = [dg.AssetSpec("in_a_list")]

@dg.asset_check(asset=first)
def is_one():
    return dg.AssetCheckResult(passed=True)

@dg.op
def say():
    return 1

@dg.job
def saying():
    say()

@dg.schedule(job=saying, cron_schedule="0 1 * * *")
def nightly():
    return {}

@dg.sensor(job=saying)
def watching():
    yield dg.SkipReason("no")

later = dg.define_asset_job("later", selection="*")
resources = {"x": 3}
"""


def keys_of(assets):
    return dg.Definitions(assets=list(assets)).resolve_all_asset_keys()


@program
def assets_are_found_in_a_module(note: Recorder) -> None:
    module = module_of("of_assets", MODULE)
    found = dg.load_assets_from_modules([module])
    note("keys", set(keys_of(found)))
    note("sources", [each.key for each in found if isinstance(each, dg.SourceAsset)])
    specs = dg.load_assets_from_modules([module], include_specs=True)
    note("with specs", set(keys_of(specs)))
    grouped = dg.load_assets_from_modules(
        [module_of("ungrouped", "import dagster as dg\n@dg.asset\ndef a():\n    return 1\n")], group_name="g"
    )
    note("grouped", [each.group_names_by_key for each in grouped])
    note.error("grouped twice", lambda: dg.load_assets_from_modules([module], group_name="g"), ["kept"])
    prefixed = dg.load_assets_from_modules([module], key_prefix=["p", "q"])
    note("prefixed", set(keys_of(prefixed)))
    second = next(each for each in prefixed if isinstance(each, dg.AssetsDefinition) and each.key.path[-1] == "second")
    note("prefixed deps", second.dependency_keys)
    with_source = dg.load_assets_from_modules([module], key_prefix="p", source_key_prefix="s")
    note("source prefix", set(keys_of(with_source)))
    tuned = dg.load_assets_from_modules(
        [module],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    note("policy", [each.backfill_policy.policy_type for each in tuned if isinstance(each, dg.AssetsDefinition)])
    note("same module twice", len(dg.load_assets_from_modules([module, module])))


@program
def assets_are_found_in_packages(note: Recorder) -> None:
    package = package_of(
        "of_packages",
        {
            "__init__.py": "import dagster as dg\n@dg.asset\ndef top():\n    return 1\n",
            "inner/__init__.py": "",
            "inner/deep.py": "import dagster as dg\nfrom of_packages import top\n@dg.asset\ndef deep(top):\n    return top\n"
            "@dg.asset_check(asset=top)\ndef fine():\n    return dg.AssetCheckResult(passed=True)\n",
            "jobs.py": "import dagster as dg\n@dg.op\ndef say():\n    return 1\n@dg.job\ndef saying():\n    say()\n",
        },
    )
    sys.path.insert(0, str(Path.cwd()))
    try:
        note("module", set(keys_of(dg.load_assets_from_package_module(package, group_name="g"))))
        note("name", set(keys_of(dg.load_assets_from_package_name("of_packages"))))
        checks = dg.load_asset_checks_from_package_module(package)
        note("checks", [key for each in checks for key in each.check_keys])
        by_name = dg.load_asset_checks_from_package_name("of_packages", asset_key_prefix="p")
        note("checks by name", [key for each in by_name for key in each.check_keys])
        defs = dg.load_definitions_from_package_module(package)
        note("definitions", set(defs.resolve_all_asset_keys()))
        note("jobs", [each.name for each in defs.jobs])
        named = dg.load_definitions_from_package_name("of_packages")
        note("by name", set(named.resolve_all_asset_keys()))
        note.error("no package", lambda: dg.load_assets_from_package_name("of_nothing"), ["of_nothing"])
    finally:
        sys.path.pop(0)


@program
def checks_are_found_in_a_module(note: Recorder) -> None:
    module = module_of("of_checks", MODULE)
    found = dg.load_asset_checks_from_modules([module])
    note("checks", [key for each in found for key in each.check_keys])
    prefixed = dg.load_asset_checks_from_modules([module], asset_key_prefix=["p"])
    note("prefixed", [key for each in prefixed for key in each.check_keys])
    assets = dg.load_assets_from_modules([module], key_prefix="p")
    note.run("run", dg.materialize([*assets, *prefixed]))


@program
def the_current_module_is_loaded(note: Recorder) -> None:
    text = (
        MODULE
        + """
assets = dg.load_assets_from_current_module(group_name=None, key_prefix="here")
checks = dg.load_asset_checks_from_current_module(asset_key_prefix="here")
"""
    )
    module = module_of("current_assets", text)
    note("assets", set(keys_of(module.assets)))
    note("checks", [key for each in module.checks for key in each.check_keys])
    module = module_of(
        "current_definitions", MODULE + "\ndefs = dg.load_definitions_from_current_module(resources={'x': 4})\n"
    )
    note("definitions", set(module.defs.resolve_all_asset_keys()))
    note("jobs", sorted(each.name for each in module.defs.jobs))
    note("resources", module.defs.resources)


@program
def what_stands_beside_the_caller_is_loaded(note: Recorder) -> None:
    assets = dg.load_assets_from_current_module(group_name="here")
    note("assets", set(keys_of(assets)))
    note("groups", [each.group_names_by_key for each in assets])
    checks = dg.load_asset_checks_from_current_module()
    note("checks", [key for each in checks for key in each.check_keys])
    note.run("run", dg.materialize([*assets, *checks]))
    note("jobs", [each.name for each in dg.load_definitions_from_current_module().jobs or []])


@program
def definitions_are_found_in_modules(note: Recorder) -> None:
    module = module_of("of_definitions", MODULE)
    defs = dg.load_definitions_from_module(module, resources={"y": 5}, executor=dg.in_process_executor)
    note("keys", set(defs.resolve_all_asset_keys()))
    note("jobs", sorted(each.name for each in defs.jobs))
    note("schedules", [each.name for each in defs.schedules])
    note("sensors", [each.name for each in defs.sensors])
    note("checks", [key for each in defs.asset_checks for key in each.check_keys])
    note("resources", defs.resources)
    note("executor", defs.executor.name)
    note.run("run", defs.resolve_job_def("later").execute_in_process())
    other = module_of("of_more", "import dagster as dg\n@dg.asset\ndef more(first):\n    return 1\n")
    both = dg.load_definitions_from_modules([module, other])
    note("both", set(both.resolve_all_asset_keys()))
    clash = module_of("of_clash", "import dagster as dg\n@dg.asset\ndef first():\n    return 2\n")
    note.error("clash", lambda: dg.load_definitions_from_modules([module, clash]).resolve_all_asset_keys(), ["first"])


# ------------------------------------------------------------------------------------------- what assets and specs tell


@program
def assets_definitions_tell_what_they_are(note: Recorder) -> None:
    @dg.multi_asset(
        outs={
            "one": dg.AssetOut(key_prefix="p", description="first", group_name="g", metadata={"m": 1}, tags={"t": "u"}),
            "two": dg.AssetOut(is_required=False, code_version="2", owners=["me@example.org"], kinds={"sql"}),
        },
        ins={"given": dg.AssetIn(key=["raw", "given"])},
        deps=["before"],
        internal_asset_deps=None,
        can_subset=True,
        required_resource_keys={"db"},
        partitions_def=dg.StaticPartitionsDefinition(["x", "y"]),
        op_tags={"o": "p"},
        check_specs=[dg.AssetCheckSpec("fine", asset=["p", "one"])],
        backfill_policy=dg.BackfillPolicy.multi_run(3),
    )
    def several(context, given):
        yield dg.Output(1, "one")

    note("keys", several.keys)
    note("keys by output", several.keys_by_output_name)
    note("keys by input", several.keys_by_input_name)
    note("deps", {key.to_user_string(): deps for key, deps in several.asset_deps.items()})
    note("dependency keys", several.dependency_keys)
    note("groups", several.group_names_by_key)
    note("descriptions", several.descriptions_by_key)
    note("metadata", several.metadata_by_key)
    note("tags", several.tags_by_key)
    note("versions", several.code_versions_by_key)
    note("owners", {key.to_user_string(): spec.owners for key, spec in several.specs_by_key.items()})
    note("kinds", {key.to_user_string(): spec.kinds for key, spec in several.specs_by_key.items()})
    note("can subset", several.can_subset)
    note("resources", several.required_resource_keys)
    note("partitions", several.partitions_def.get_partition_keys())
    note("checks", [spec.key for spec in several.check_specs])
    note("check keys", several.check_keys)
    note("op", [several.op.name, several.op.tags])
    note("node", several.node_def.name)
    note("policy", several.backfill_policy.max_partitions_per_run)
    note("executable", several.is_executable)
    note("spec", several.get_asset_spec(dg.AssetKey("two")).code_version)
    note("mapping", several.get_partition_mapping(dg.AssetKey("before")))
    note.error("one key", lambda: several.key)
    note.error("no spec", lambda: several.get_asset_spec(dg.AssetKey("three")), ["three"])
    sources = several.to_source_assets()
    note("sources", [each.key for each in sources])
    note("one source", asset_of("a", group_name="g", metadata={"m": 1}).to_source_asset().group_name)
    note.error("source of several", lambda: several.to_source_asset("three"), ["three"])


@program
def assets_are_changed_by_with_attributes(note: Recorder) -> None:
    @dg.asset(deps=["up"], group_name="default")
    def table():
        return 1

    changed = table.with_attributes(
        asset_key_replacements={
            dg.AssetKey("table"): dg.AssetKey(["p", "table"]),
            dg.AssetKey("up"): dg.AssetKey("upper"),
        },
        group_names_by_key={dg.AssetKey("table"): "g"},
        tags_by_key={dg.AssetKey("table"): {"t": "u"}},
    )
    note("keys", changed.keys)
    note("deps", changed.dependency_keys)
    note("was", table.keys)
    note("tags", changed.tags_by_key)
    note.run("run", dg.materialize([changed]))
    mapped = table.map_asset_specs(lambda spec: spec.merge_attributes(kinds={"sql"}, metadata={"rows": 3}))
    note("mapped", [[spec.kinds, spec.metadata] for spec in mapped.specs])
    spec = next(iter(table.specs))
    note("io manager", spec.with_io_manager_key("other").metadata)


@program
def ops_and_graphs_become_assets(note: Recorder) -> None:
    @dg.op(out={"big": dg.Out(), "small": dg.Out()}, ins={"base": dg.In()})
    def sizes(base):
        return base * 10, base

    @dg.op
    def base_of():
        return 4

    @dg.op
    def plus(number):
        return number + 1

    @dg.graph
    def counted(base):
        return plus(plus(base))

    base = dg.AssetsDefinition.from_op(base_of, group_name="made", keys_by_output_name={"result": dg.AssetKey("base")})
    several = dg.AssetsDefinition.from_op(
        sizes,
        key_prefix="sizes",
        keys_by_input_name={"base": dg.AssetKey("base")},
        metadata_by_output_name={"big": {"unit": "m"}},
        descriptions_by_output_name={"small": "as it is"},
        tags_by_output_name={"big": {"a": "b"}},
    )
    graph = dg.AssetsDefinition.from_graph(
        counted, keys_by_input_name={"base": dg.AssetKey("base")}, group_name="graphs"
    )
    note("keys", [base.keys, several.keys, graph.keys])
    note("deps", [several.dependency_keys, graph.dependency_keys])
    note("groups", [base.group_names_by_key, graph.group_names_by_key])
    note("descriptions", several.descriptions_by_key)
    note.run("run", dg.materialize([base, several, graph]))
    two = dg.AssetsDefinition.from_op(
        sizes,
        keys_by_input_name={"base": dg.AssetKey("base")},
        internal_asset_deps={"big": {dg.AssetKey("base")}, "small": {dg.AssetKey("big")}},
        can_subset=False,
    )
    note("internal", {key.to_user_string(): deps for key, deps in two.asset_deps.items()})
    note.error(
        "unknown output",
        lambda: dg.AssetsDefinition.from_op(base_of, keys_by_output_name={"reslt": dg.AssetKey("a")}),
        ["reslt"],
    )
    note.error(
        "unknown input",
        lambda: dg.AssetsDefinition.from_graph(counted, keys_by_input_name={"bas": dg.AssetKey("a")}),
        ["bas"],
    )


@program
def specs_are_replaced_and_merged(note: Recorder) -> None:
    spec = dg.AssetSpec(
        ["p", "a"],
        deps=[dg.AssetDep("up", partition_mapping=dg.LastPartitionMapping()), "other"],
        description="d",
        metadata={"m": 1},
        group_name="g",
        code_version="1",
        owners=["team:a"],
        tags={"t": "u"},
        kinds={"python"},
        skippable=True,
        partitions_def=dg.StaticPartitionsDefinition(["x"]),
    )

    def told(of):
        return [
            of.key,
            [dep.asset_key for dep in of.deps],
            of.description,
            dict(of.metadata),
            of.group_name,
            of.code_version,
            list(of.owners),
            dict(of.tags),
            of.kinds,
            of.skippable,
        ]

    note("as it is", told(spec))
    note("replaced", told(spec.replace_attributes(key="b", deps=["c"], metadata={}, tags={}, kinds={"sql"}, owners=[])))
    note(
        "merged",
        told(spec.merge_attributes(deps=["c"], metadata={"n": 2}, owners=["team:b"], tags={"v": "w"}, kinds={"x"})),
    )
    note("unchanged", told(spec))
    note("cleared", told(spec.replace_attributes(description=None, group_name=None, code_version=None)))
    note("mapping", type(next(iter(spec.deps)).partition_mapping).__name__)
    note("partitions", spec.partitions_def.get_partition_keys())
    note.error("too many kinds", lambda: dg.AssetSpec("a", kinds={"a", "b", "c", "d"}).kinds)
    note.error("bad owner", lambda: dg.AssetSpec("a", owners=["me"]), ["me"])
    note.error("bad tag", lambda: dg.AssetSpec("a", tags={"a tag!": "x"}), ["a tag!"])
    note.error("bad group", lambda: dg.AssetSpec("a", group_name="a group"), ["a group"])
    note.error("same dep twice", lambda: [d.asset_key for d in dg.AssetSpec("a", deps=["b", "b"]).deps])
    note.error(
        "two mappings",
        lambda: dg.AssetSpec("a", deps=["b", dg.AssetDep("b", partition_mapping=dg.LastPartitionMapping())]),
        ["b"],
    )


@program
def keys_are_read_and_written(note: Recorder) -> None:
    key = dg.AssetKey(["a", "b"])
    note("user string", key.to_user_string())
    note("python", key.to_python_identifier())
    note("suffixed", key.to_python_identifier("x"))
    note("string", key.to_string())
    note("path", key.path)
    note("lists", [key.path == ["a", "b"], key.path.__add__(["x"]), type(key.path).__name__])
    note("shown", [repr(key), repr(dg.AssetCheckKey(key, "c"))])
    note("check text", str(dg.AssetCheckKey(key, "c")))
    note("text", str(key))
    note("parts", [list(key.parts), key.has_prefix(["a"]), key.has_prefix(["b"])])
    note("prefixed", key.with_prefix(["p", "q"]))
    note("from user", dg.AssetKey.from_user_string("x/y"))
    note("from string", [dg.AssetKey("x"), dg.AssetKey(["x"]) == dg.AssetKey("x")])
    note("coerced", [dg.AssetKey.from_coercible(each) for each in ("x", ["x", "y"], key)])
    note.error("a slash", lambda: dg.AssetKey.from_coercible("x/y"))
    note("sorted", sorted([dg.AssetKey("b"), dg.AssetKey(["a", "z"]), dg.AssetKey("a")]))
    note("from db", dg.AssetKey.from_db_string('["a", "b"]'))
    note("eq", [key == dg.AssetKey(("a", "b")), hash(key) == hash(dg.AssetKey(["a", "b"]))])


@program
def values_are_loaded_from_definitions(note: Recorder) -> None:
    days = dg.StaticPartitionsDefinition(["mon", "tue"])

    @dg.asset
    def number():
        return 3

    @dg.asset(partitions_def=days)
    def of_day(context):
        return context.partition_key

    storage = dg.FilesystemIOManager(base_dir="storage")
    defs = dg.Definitions(assets=[number, of_day], resources={"io_manager": storage})
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([number], instance=instance, resources={"io_manager": storage})
        for day in ("mon", "tue"):
            dg.materialize([of_day], instance=instance, resources={"io_manager": storage}, partition_key=day)
        note("value", defs.load_asset_value("number", instance=instance))
        note("of a partition", defs.load_asset_value("of_day", instance=instance, partition_key="tue"))
        with defs.get_asset_value_loader(instance) as loader:
            note("kind", isinstance(loader, dg.AssetValueLoader))
            note("typed", loader.load_asset_value("number", python_type=int))
            note("other", loader.load_asset_value(dg.AssetKey("of_day"), partition_key="mon"))
            note.error("unknown", lambda: loader.load_asset_value("numbr"), ["numbr"])
            note.error("wrong partition", lambda: loader.load_asset_value("of_day", partition_key="wed"))


@program
def paths_are_relative_to_a_file(note: Recorder) -> None:
    note("name", Path(dg.file_relative_path(__file__, "data/x.csv")).name)
    note("folder", Path(dg.file_relative_path("/some/where/a.py", "../data/x.csv")).as_posix())
    note("absolute", dg.file_relative_path("/some/where/a.py", "/etc/x"))


@program
def an_asset_job_is_defined_by_a_selection(note: Recorder) -> None:
    @dg.asset(config_schema={"n": dg.Field(int, default_value=1)})
    def sized(context):
        return context.op_config["n"]

    @dg.success_hook
    def cheer(context):
        seen.append(context.step_key)

    @dg.asset_check(asset=sized)
    def fine():
        return dg.AssetCheckResult(passed=True)

    seen = []
    jobs = [
        dg.define_asset_job("everything"),
        dg.define_asset_job("by_string", selection="sized+"),
        dg.define_asset_job("by_list", selection=["sized", "after"]),
        dg.define_asset_job("by_assets", selection=[sized]),
        dg.define_asset_job(
            "dressed",
            selection=dg.AssetSelection.assets("sized"),
            config={"ops": {"sized": {"config": {"n": 5}}}},
            description="only one",
            tags={"a": "b"},
            run_tags={"c": "d"},
            metadata={"m": 1},
            hooks={cheer},
            executor_def=dg.in_process_executor,
            op_retry_policy=dg.RetryPolicy(max_retries=1),
        ),
        dg.define_asset_job("unchecked", selection=dg.AssetSelection.assets("sized").without_checks()),
        dg.define_asset_job("only_checks", selection=dg.AssetSelection.checks(fine)),
    ]
    defs = dg.Definitions(assets=[sized, asset_of("after", ["sized"])], asset_checks=[fine], jobs=jobs)
    for job in jobs:
        note.run(job.name, defs.resolve_job_def(job.name).execute_in_process())
    dressed = defs.resolve_job_def("dressed")
    note("says", [dressed.description, dressed.tags, dressed.run_tags, len(dressed.hook_defs)])
    note("seen", seen)
    note("unresolved", [jobs[4].name, jobs[4].description, jobs[4].tags])
    part = defs.resolve_job_def("by_list").execute_in_process(asset_selection=[dg.AssetKey("after")])
    note.run("part", part)
