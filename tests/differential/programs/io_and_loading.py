"""IO managers, and the ways in which definitions and values are loaded."""

import os
import sys
import types
from datetime import datetime

import dagster as dg
from recorder import Recorder, program


class Shelf(dg.IOManager):
    """Keeps values in a dict and takes down what its contexts say."""

    def __init__(self, told=None, name="shelf"):
        self.values = {}
        self.told = [] if told is None else told
        self.name = name

    def place(self, context):
        return tuple(context.get_asset_identifier()) if context.has_asset_key else (context.step_key, context.name)

    def handle_output(self, context, obj):
        self.told.append(f"{self.name} keeps {'/'.join(self.place(context))}")
        self.values[self.place(context)] = obj

    def load_input(self, context):
        place = self.place(context if context.has_asset_key else context.upstream_output)
        self.told.append(f"{self.name} gives {'/'.join(place)}")
        return self.values[place]


def module_of(name, **members):
    """Return a new module that can be imported under a name."""
    module = types.ModuleType(name)
    for key, value in members.items():
        setattr(module, key, value)
    sys.modules[name] = module
    return module


def keys_of(loaded):
    return sorted(
        key.to_user_string() for each in loaded for key in getattr(each, "keys", [getattr(each, "key", None)])
    )


# ------------------------------------------------------------------------------------------------------- IO managers


@program
def an_io_manager_keeps_and_gives(note: Recorder) -> None:
    shelf = Shelf()

    @dg.asset
    def apples():
        return 3

    @dg.asset
    def pears(apples):
        return apples + 1

    note.run("run", dg.materialize([apples, pears], resources={"io_manager": shelf}), outputs=["apples", "pears"])
    note("told", shelf.told)


@program
def a_configurable_io_manager_has_fields(note: Recorder) -> None:
    told = []

    class Drawer(dg.ConfigurableIOManager):
        label: str
        times: int = 2

        def handle_output(self, context, obj):
            told.append([self.label, self.times, context.asset_key, obj])

        def load_input(self, context):
            return f"{self.label}:{context.asset_key.to_user_string()}" * self.times

    @dg.asset(key_prefix=["store"])
    def apples():
        return "a"

    @dg.asset(ins={"apples": dg.AssetIn(key_prefix="store")})
    def pears(apples):
        return apples

    note.run("run", dg.materialize([apples, pears], resources={"io_manager": Drawer(label="top")}))
    note("told", told)
    note.error("wrong field", lambda: Drawer(label="top", times="many"), ["times"])


@program
def a_configurable_factory_makes_the_io_manager(note: Recorder) -> None:
    told = []

    class ShelfFactory(dg.ConfigurableIOManagerFactory):
        name: str

        def create_io_manager(self, context):
            return Shelf(told, self.name)

    @dg.asset
    def apples():
        return 1

    @dg.asset
    def pears(apples):
        return apples

    defs = dg.Definitions(
        assets=[apples, pears],
        jobs=[dg.define_asset_job("everything")],
        resources={"io_manager": ShelfFactory(name="F")},
    )
    note.run("run", defs.resolve_job_def("everything").execute_in_process())
    note("told", told)


@program
def the_decorator_makes_an_io_manager_of_config(note: Recorder) -> None:
    told = []

    @dg.io_manager(config_schema={"name": str, "loud": dg.Field(bool, default_value=False)})
    def shelf(context):
        config = context.resource_config
        return Shelf(told, config["name"].upper() if config["loud"] else config["name"])

    @dg.asset
    def apples():
        return 1

    note.run("quiet", dg.materialize([apples], resources={"io_manager": shelf.configured({"name": "oak"})}))
    note.run(
        "loud",
        dg.materialize(
            [apples],
            resources={"io_manager": shelf},
            run_config={"resources": {"io_manager": {"config": {"name": "elm", "loud": True}}}},
        ),
    )
    note("told", told)
    note.error("no config", lambda: dg.materialize([apples], resources={"io_manager": shelf}), ["io_manager"])


@program
def each_output_may_choose_its_io_manager(note: Recorder) -> None:
    told = []

    @dg.multi_asset(
        outs={"apples": dg.AssetOut(io_manager_key="oak"), "pears": dg.AssetOut(io_manager_key="elm")},
    )
    def fruit():
        return 1, 2

    @dg.asset(io_manager_key="elm")
    def salad(apples, pears):
        return apples + pears

    resources = {"oak": Shelf(told, "oak"), "elm": Shelf(told, "elm")}
    note.run("run", dg.materialize([fruit, salad], resources=resources), outputs=["salad"])
    note("told", told)
    note.error("missing", lambda: dg.materialize([fruit, salad], resources={"oak": Shelf()}), ["elm"])


@program
def an_input_may_choose_who_loads_it(note: Recorder) -> None:
    told = []

    @dg.input_manager
    def other(context):
        told.append(["other", context.name, context.asset_key])
        return 100

    @dg.asset
    def apples():
        return 1

    @dg.asset(ins={"apples": dg.AssetIn(input_manager_key="other")})
    def pears(apples):
        return apples + 1

    result = dg.materialize([apples, pears], resources={"io_manager": Shelf(told), "other": other})
    note.run("run", result, outputs=["pears"])
    note("told", told)


@program
def an_input_manager_reads_its_config(note: Recorder) -> None:
    @dg.input_manager(config_schema={"base": int}, input_config_schema={"plus": int})
    def counted(context):
        return context.resource_config["base"] + context.config["plus"]

    @dg.op(ins={"number": dg.In(input_manager_key="counted")})
    def show(number):
        return number

    @dg.job(resource_defs={"counted": counted.configured({"base": 10})})
    def shown():
        show()

    result = shown.execute_in_process(run_config={"ops": {"show": {"inputs": {"number": {"plus": 5}}}}})
    note.run("run", result, outputs=["show"])


@program
def the_contexts_of_an_asset_say_what_they_are(note: Recorder) -> None:
    told = {}

    class Asking(Shelf):
        def handle_output(self, context, obj):
            told[f"out {context.asset_key.to_user_string()}"] = {
                "name": context.name,
                "step": context.step_key,
                "partition": context.has_partition_key,
                "asset partitions": context.has_asset_partitions,
                "metadata": context.definition_metadata,
                "resource_config": context.resource_config,
                "identifier": context.get_asset_identifier(),
                "op": context.op_def.name,
            }
            super().handle_output(context, obj)

        def load_input(self, context):
            told["in"] = {
                "name": context.name,
                "key": context.asset_key,
                "metadata": context.definition_metadata,
                "partition": context.has_partition_key,
                "upstream name": context.upstream_output.name,
                "upstream step": context.upstream_output.step_key,
                "upstream key": context.upstream_output.asset_key,
                "upstream metadata": context.upstream_output.definition_metadata,
                "op": context.op_def.name,
            }
            return super().load_input(context)

    @dg.asset(metadata={"schema": "fruit"})
    def apples():
        return 1

    @dg.asset(ins={"red": dg.AssetIn("apples", metadata={"columns": ["a"]})}, key_prefix=["far"])
    def pears(red):
        return red

    note.run("run", dg.materialize([apples, pears], resources={"io_manager": Asking()}))
    note("told", told)


@program
def the_contexts_of_an_op_say_what_they_are(note: Recorder) -> None:
    told = {}

    class Asking(Shelf):
        def handle_output(self, context, obj):
            told[f"out {context.step_key}"] = [
                context.name,
                context.has_asset_key,
                context.job_name,
                context.mapping_key,
            ]
            super().handle_output(context, obj)

        def load_input(self, context):
            told["in"] = [
                context.name,
                context.has_asset_key,
                context.upstream_output.step_key,
                context.upstream_output.name,
            ]
            return super().load_input(context)

    @dg.op(out={"left": dg.Out(), "right": dg.Out()})
    def halves():
        return 1, 2

    @dg.op
    def show(number):
        return number

    @dg.job(resource_defs={"io_manager": dg.IOManagerDefinition.hardcoded_io_manager(Asking())})
    def halving():
        _, right = halves()
        show(right)

    note.run("run", halving.execute_in_process(), outputs=["show"])
    note("told", told)


@program
def the_contexts_of_a_partition_say_which(note: Recorder) -> None:
    told = []
    days = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05")

    class Asking(Shelf):
        def handle_output(self, context, obj):
            told.append(["out", context.partition_key, context.asset_partition_keys, context.asset_partition_key])
            told.append(["window", context.asset_partitions_time_window, context.get_asset_identifier()])
            super().handle_output(context, obj)

        def load_input(self, context):
            told.append(["in", context.partition_key, context.asset_partition_keys, context.asset_partition_key_range])
            return super().load_input(context)

    @dg.asset(partitions_def=days)
    def apples(context):
        return context.partition_key

    @dg.asset(partitions_def=days)
    def pears(apples):
        return apples

    result = dg.materialize([apples, pears], partition_key="2024-01-02", resources={"io_manager": Asking()})
    note.run("run", result, outputs=["pears"])
    note("told", told)


@program
def handling_an_output_adds_metadata(note: Recorder) -> None:
    class Counting(Shelf):
        def handle_output(self, context, obj):
            super().handle_output(context, obj)
            context.add_output_metadata({"rows": len(obj), "where": dg.MetadataValue.text("shelf")})

    @dg.asset
    def apples(context):
        context.add_output_metadata({"own": True})
        return [1, 2]

    note.run("run", dg.materialize([apples], resources={"io_manager": Counting()}))


@program
def a_failing_io_manager_fails_the_step(note: Recorder) -> None:
    class NoKeep(Shelf):
        def handle_output(self, context, obj):
            raise OSError("full")

    class NoGive(Shelf):
        def load_input(self, context):
            raise KeyError("lost")

    @dg.asset
    def apples():
        return 1

    @dg.asset
    def pears(apples):
        return apples

    for label, manager in (("keep", NoKeep()), ("give", NoGive())):
        resources = {"io_manager": manager}
        note.run(label, dg.materialize([apples, pears], resources=resources, raise_on_error=False))
    note.error("raised", lambda: dg.materialize([apples], resources={"io_manager": NoKeep()}), ["full"])


@program
def assets_that_return_nothing_keep_nothing(note: Recorder) -> None:
    shelf = Shelf()

    @dg.asset
    def apples() -> None:
        return None

    @dg.asset(deps=[apples])
    def pears():
        return dg.MaterializeResult(metadata={"seen": 1})

    note.run("run", dg.materialize([apples, pears], resources={"io_manager": shelf}))
    note("told", shelf.told)


@program
def the_memory_and_file_managers_work(note: Recorder) -> None:
    @dg.asset
    def apples():
        return {"a": 1}

    @dg.asset
    def pears(apples):
        return apples["a"]

    for label, manager in (
        ("mem", dg.mem_io_manager),
        ("fs", dg.fs_io_manager),
        ("memory", dg.InMemoryIOManager()),
        ("pickle", dg.FilesystemIOManager()),
    ):
        note.run(label, dg.materialize([apples, pears], resources={"io_manager": manager}), outputs=["pears"])


# ----------------------------------------------------------------------------------------------- contexts made by hand


@program
def contexts_are_built_by_hand(note: Recorder) -> None:
    shelf = Shelf()
    out = dg.build_output_context(
        asset_key=dg.AssetKey(["a", "b"]), name="result", step_key="s", definition_metadata={"m": 1}
    )
    shelf.handle_output(out, 5)
    note("out", [out.name, out.step_key, out.asset_key, out.definition_metadata, out.has_partition_key])
    into = dg.build_input_context(asset_key=dg.AssetKey(["a", "b"]), upstream_output=out, name="b")
    note("in", [into.name, into.asset_key, into.upstream_output.step_key, shelf.load_input(into)])
    parted = dg.build_output_context(partition_key="x", resource_config={"c": 2}, config={"d": 3})
    note("parted", [parted.has_partition_key, parted.partition_key, parted.resource_config, parted.config])
    note("no key", parted.has_asset_key)
    with_res = dg.build_output_context(resources={"tool": "saw"})
    note("resource", with_res.resources.tool)


@program
def a_value_is_loaded_after_the_run(note: Recorder) -> None:
    shelf = Shelf()
    letters = dg.StaticPartitionsDefinition(["a", "b"])

    @dg.asset
    def apples():
        return [1, 2]

    @dg.asset(partitions_def=letters)
    def pears(context):
        return context.partition_key * 2

    defs = dg.Definitions(assets=[apples, pears], resources={"io_manager": shelf})
    with dg.instance_for_test() as instance:
        dg.materialize([apples], resources={"io_manager": shelf}, instance=instance)
        dg.materialize([pears], resources={"io_manager": shelf}, instance=instance, partition_key="b")
        note("value", defs.load_asset_value("apples", instance=instance))
        note("partition", defs.load_asset_value("pears", partition_key="b", instance=instance))
        with defs.get_asset_value_loader(instance=instance) as loader:
            note("kind", loader)
            note("again", [loader.load_asset_value("apples"), loader.load_asset_value("pears", partition_key="b")])


# ----------------------------------------------------------------------------------------------------------- schedules


@program
def a_schedule_is_evaluated_by_hand(note: Recorder) -> None:
    @dg.op
    def work():
        return 1

    @dg.job
    def daily():
        work()

    @dg.schedule(cron_schedule="0 6 * * *", job=daily, execution_timezone="UTC")
    def mornings(context):
        day = context.scheduled_execution_time
        if day.weekday() == 6:
            return dg.SkipReason("no work on Sundays")
        return dg.RunRequest(run_key=day.strftime("%Y-%m-%d"), tags={"day": str(day.day)})

    note("said", [mornings.name, mornings.cron_schedule, mornings.execution_timezone, mornings.job_name])
    for label, day in (("monday", 1), ("sunday", 7)):
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2024, 1, day, 6))
        answer = mornings(context)
        if isinstance(answer, dg.SkipReason):
            note(label, answer.skip_message)
        else:
            note(label, [answer.run_key, answer.tags])
        tick = mornings.evaluate_tick(context)
        note(f"{label} tick", [tick.skip_message, [request.run_key for request in tick.run_requests]])


@program
def a_schedule_definition_targets_assets(note: Recorder) -> None:
    @dg.asset
    def apples():
        return 1

    job = dg.define_asset_job("fruit", selection=[apples])
    schedule = dg.ScheduleDefinition(job=job, cron_schedule="@daily", tags={"t": "1"})
    note("said", [schedule.name, schedule.cron_schedule, schedule.job_name, schedule.default_status])
    defs = dg.Definitions(assets=[apples], jobs=[job], schedules=[schedule])
    note("resolved", defs.resolve_schedule_def("fruit_schedule").name)
    note.error("bad cron", lambda: dg.ScheduleDefinition(job=job, cron_schedule="every day"), ["every day"])


@program
def a_partitioned_job_gives_its_schedule(note: Recorder) -> None:
    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01"))
    def apples():
        return 1

    job = dg.define_asset_job("fruit", selection=[apples])
    defs = dg.Definitions(
        assets=[apples], schedules=[dg.build_schedule_from_partitioned_job(job, hour_of_day=3, minute_of_hour=15)]
    )
    schedule = defs.resolve_schedule_def("fruit_schedule")
    note("said", [schedule.name, schedule.cron_schedule, schedule.job_name])


# ------------------------------------------------------------------------------------------------------------- loading


@program
def assets_are_loaded_from_modules(note: Recorder) -> None:
    @dg.asset
    def apples():
        return 1

    @dg.asset
    def pears(apples):
        return apples

    @dg.asset_check(asset=apples)
    def apples_are_red():
        return dg.AssetCheckResult(passed=True)

    first = module_of("fruit_one", apples=apples, apples_are_red=apples_are_red)
    second = module_of("fruit_two", pears=pears, listed=[dg.AssetSpec("plums")])
    note("both", keys_of(dg.load_assets_from_modules([first, second])))
    note("grouped", keys_of(dg.load_assets_from_modules([first], group_name="g", key_prefix="p")))
    note("checks", len(dg.load_asset_checks_from_modules([first])))


@program
def definitions_are_loaded_from_a_module(note: Recorder) -> None:
    @dg.asset
    def apples():
        return 1

    job = dg.define_asset_job("fruit", selection=[apples])
    daily = dg.ScheduleDefinition(job=job, cron_schedule="@daily")
    module = module_of("fruit_three", apples=apples, job=job, daily=daily)
    defs = dg.load_definitions_from_module(module)
    note("assets", keys_of(defs.assets))
    note("jobs", [each.name for each in defs.jobs])
    note("schedules", [each.name for each in defs.schedules])


@program
def definitions_come_from_a_function(note: Recorder) -> None:
    @dg.asset
    def apples():
        return 1

    @dg.definitions
    def everything():
        return dg.Definitions(assets=[apples])

    note("keys", keys_of(everything().assets))


@program
def a_repository_holds_definitions(note: Recorder) -> None:
    @dg.op
    def work():
        return 1

    @dg.job
    def daily():
        work()

    @dg.repository
    def store():
        return [daily]

    note("said", [store.name, store.has_job("daily"), store.get_job("daily").name])


@program
def resources_are_bound_to_assets(note: Recorder) -> None:
    @dg.asset(required_resource_keys={"tool"})
    def apples(context):
        return context.resources.tool

    bound = dg.with_resources([apples], {"tool": dg.ResourceDefinition.hardcoded_resource("saw")})
    note.run("run", dg.materialize(bound), outputs=["apples"])
    note.error("missing", lambda: dg.with_resources([apples], {}), ["tool"])


@program
def labels_and_versions_and_paths_are_plain(note: Recorder) -> None:
    condition = dg.AutomationCondition.eager().with_label("quick")
    note("label", [condition.get_label(), dg.AutomationCondition.missing().get_label()])
    note("version", dg.DataVersion("7").value)
    note("path", os.path.basename(dg.file_relative_path(__file__, "data.csv")))

    @dg.asset
    def apples():
        return dg.Output(1, data_version=dg.DataVersion("v1"))

    with dg.instance_for_test() as instance:
        dg.materialize([apples], instance=instance)
        event = instance.get_latest_materialization_event(apples.key)
        note(
            "kept",
            [value for name, value in event.asset_materialization.tags.items() if name.endswith("/data_version")],
        )
    with_references = dg.with_source_code_references([apples])
    note(
        "references",
        [any("code_references" in name for name in each.metadata_by_key[each.key]) for each in with_references],
    )


# ------------------------------------------------------------------------------------------ files, and other managers


@program
def files_are_kept_by_a_manager_of_paths(note: Recorder) -> None:
    from pathlib import Path

    class Texts(dg.UPathIOManager):
        extension = ".txt"

        def dump_to_path(self, context: dg.OutputContext, obj, path):
            path.write_text(obj)

        def load_from_path(self, context: dg.InputContext, path):
            return path.read_text()

    letters = dg.StaticPartitionsDefinition(["a", "b"])

    @dg.asset(key_prefix=["shop"])
    def apples():
        return "red"

    @dg.asset(ins={"apples": dg.AssetIn(key_prefix="shop")})
    def pears(apples):
        return apples + " green"

    @dg.asset(partitions_def=letters)
    def parts(context):
        return context.partition_key

    @dg.asset
    def joined(parts: dict[str, str]):
        return "".join(parts[key] for key in sorted(parts))

    resources = {"io_manager": Texts(base_path=Path("kept"))}
    note.run("run", dg.materialize([apples, pears], resources=resources), outputs=["pears"])
    for letter in "ab":
        dg.materialize([parts], resources=resources, partition_key=letter)
    note.run("joined", dg.materialize([parts, joined], selection=[joined], resources=resources), outputs=["joined"])
    found = sorted(str(path.relative_to("kept")) for path in Path("kept").rglob("*.txt"))
    note("files", found)


@program
def a_manager_of_inputs_is_a_class(note: Recorder) -> None:
    class Fixed(dg.InputManager):
        def load_input(self, context: dg.InputContext):
            return [context.name, context.definition_metadata]

    @dg.input_manager
    def fixed():
        return "plain"

    @dg.op(ins={"rows": dg.In(input_manager_key="rows", metadata={"table": "t"})})
    def show(rows):
        return rows

    @dg.job(resource_defs={"rows": dg.InputManagerDefinition(lambda _: Fixed())})
    def of_class():
        show()

    note.run("class", of_class.execute_in_process(), outputs=["show"])

    @dg.job(resource_defs={"rows": fixed})
    def of_function():
        show()

    note.run("function", of_function.execute_in_process(), outputs=["show"])


@program
def values_are_loaded_by_a_loader(note: Recorder) -> None:
    shelf = Shelf()

    @dg.asset
    def apples():
        return 3

    defs = dg.Definitions(assets=[apples], resources={"io_manager": shelf})
    with dg.instance_for_test() as instance:
        dg.materialize([apples], resources={"io_manager": shelf}, instance=instance)
        with defs.get_asset_value_loader(instance=instance) as loader:
            note("loader", [isinstance(loader, dg.AssetValueLoader), loader.load_asset_value(dg.AssetKey("apples"))])
            note.error("unknown", lambda: loader.load_asset_value(dg.AssetKey("appels")), ["appels"])


@program
def an_output_of_an_op_is_an_asset_of_its_own(note: Recorder) -> None:
    told = []

    class Asking(Shelf):
        def handle_output(self, context, obj):
            told.append([context.name, context.has_asset_key, context.get_identifier()[1:]])
            super().handle_output(context, obj)

    @dg.op(out={"left": dg.Out(metadata={"m": 1}), "right": dg.Out(io_manager_key="other")})
    def halves():
        yield dg.Output(1, "left")
        yield dg.Output(2, "right")

    @dg.op
    def total(left, right):
        return left + right

    @dg.job(
        resource_defs={
            "io_manager": dg.IOManagerDefinition.hardcoded_io_manager(Asking()),
            "other": dg.IOManagerDefinition.hardcoded_io_manager(Asking()),
        }
    )
    def summing():
        total(*halves())

    note.run("run", summing.execute_in_process(), outputs=["total"])
    note("told", told)
