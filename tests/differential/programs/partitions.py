"""Partitions: keys, windows, mappings, what is recorded of them, and what their functions are told."""

from datetime import datetime

import dagster as dg
from recorder import Recorder, program

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-11")


@program
def time_windows_of_every_cadence_have_their_keys(note: Recorder) -> None:
    now = datetime(2024, 3, 15, 12)
    for name, definition in {
        "daily": dg.DailyPartitionsDefinition("2024-03-10"),
        "daily with offset": dg.DailyPartitionsDefinition("2024-03-10", hour_offset=6, minute_offset=30),
        "daily and later": dg.DailyPartitionsDefinition("2024-03-10", end_offset=2),
        "hourly": dg.HourlyPartitionsDefinition("2024-03-15-08:00"),
        "weekly": dg.WeeklyPartitionsDefinition("2024-02-01", day_offset=1),
        "monthly": dg.MonthlyPartitionsDefinition("2023-11-01"),
        "monthly on the 5th": dg.MonthlyPartitionsDefinition("2023-11-01", day_offset=5),
        "new york": dg.DailyPartitionsDefinition("2024-03-08", timezone="America/New_York"),
        "cron": dg.TimeWindowPartitionsDefinition(start="2024-03-10", cron_schedule="0 0 * * 1-5", fmt="%Y-%m-%d"),
        "own format": dg.TimeWindowPartitionsDefinition(start="10/03/2024", cron_schedule="0 0 * * *", fmt="%d/%m/%Y"),
    }.items():
        note(name, definition.get_partition_keys(current_time=now))


@program
def windows_of_keys_are_known(note: Recorder) -> None:
    daily = dg.DailyPartitionsDefinition("2024-03-01", timezone="Europe/Berlin")
    note("day", daily.time_window_for_partition_key("2024-03-31"))
    note("monthly", dg.MonthlyPartitionsDefinition("2024-01-01").time_window_for_partition_key("2024-02-01"))
    note("range", DAYS.get_partition_keys_in_range(dg.PartitionKeyRange("2024-01-03", "2024-01-05")))
    note("has", [DAYS.has_partition_key("2024-01-03"), DAYS.has_partition_key("2024-02-03")])
    note("count", DAYS.get_num_partitions())
    note("cron", DAYS.get_cron_schedule())


@program
def static_and_multi_partitions_have_their_keys(note: Recorder) -> None:
    regions = dg.StaticPartitionsDefinition(["north", "south"])
    both = dg.MultiPartitionsDefinition({"region": regions, "day": dg.StaticPartitionsDefinition(["mon", "tue"])})
    note("static", regions.get_partition_keys())
    note("multi", both.get_partition_keys())
    key = dg.MultiPartitionKey({"region": "north", "day": "tue"})
    note("key", str(key))
    note("by dimension", key.keys_by_dimension)
    note("has", both.has_partition_key("tue|north"))
    note.error("duplicate", lambda: dg.StaticPartitionsDefinition(["a", "a"]), ["a"])
    note.error("reserved", lambda: dg.StaticPartitionsDefinition(["a...b"]), ["a...b"])


@program
def an_asset_is_told_its_partition(note: Recorder) -> None:
    seen = {}

    @dg.asset(partitions_def=DAYS)
    def sales(context: dg.AssetExecutionContext):
        seen["key"] = context.partition_key
        seen["keys"] = list(context.partition_keys)
        seen["window"] = context.partition_time_window
        seen["range"] = context.partition_key_range
        seen["has"] = context.has_partition_key
        return 1

    note.run("run", dg.materialize([sales], partition_key="2024-01-03"))
    note("seen", seen)


@program
def an_unknown_partition_is_refused(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def sales():
        return 1

    note.error("materialize", lambda: dg.materialize([sales], partition_key="2025-01-03"), ["2025-01-03"])
    note.error("window", lambda: DAYS.time_window_for_partition_key("yesterday"))


@program
def the_partition_key_of_an_asset_without_partitions_is_an_error(note: Recorder) -> None:
    @dg.asset
    def plain(context: dg.AssetExecutionContext):
        return context.partition_key

    note.error("run", lambda: dg.materialize([plain]))


@program
def partitions_flow_down_one_to_one(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def raw(context):
        return int(context.partition_key[-2:])

    @dg.asset(partitions_def=DAYS)
    def doubled(context, raw):
        return raw * 2

    result = dg.materialize([raw, doubled], partition_key="2024-01-04")
    note.run("run", result, outputs=["doubled"])


@program
def all_upstream_partitions_come_as_a_dict(note: Recorder) -> None:
    letters = dg.StaticPartitionsDefinition(["a", "b", "c"])

    @dg.asset(partitions_def=letters)
    def letter(context):
        return context.partition_key.upper()

    @dg.asset
    def word(context, letter):
        keys = context.asset_partition_keys_for_input("letter")
        return {"keys": sorted(keys), "letters": dict(sorted(letter.items()))}

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        for key in letters.get_partition_keys():
            dg.materialize([letter], partition_key=key, instance=instance, resources={"io_manager": storage})
        result = dg.materialize([letter.to_source_asset(), word], instance=instance, resources={"io_manager": storage})
        note.run("run", result, outputs=["word"])
        note("materialized", instance.get_materialized_partitions(letter.key))


@program
def yesterday_is_reached_by_an_offset(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def raw(context):
        return context.partition_key

    @dg.asset(
        partitions_def=DAYS,
        ins={"raw": dg.AssetIn(partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))},
    )
    def follower(context, raw):
        return [raw, context.asset_partition_key_for_input("raw")]

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        dg.materialize([raw], partition_key="2024-01-04", instance=instance, resources={"io_manager": storage})
        result = dg.materialize(
            [raw.to_source_asset(), follower],
            partition_key="2024-01-05",
            instance=instance,
            resources={"io_manager": storage},
        )
        note.run("run", result, outputs=["follower"])


@program
def a_month_reads_its_days(note: Recorder) -> None:
    days = dg.DailyPartitionsDefinition("2024-02-01", end_date="2024-04-01")
    months = dg.MonthlyPartitionsDefinition("2024-02-01", end_date="2024-04-01")

    @dg.asset(partitions_def=days)
    def daily(context):
        return 1

    @dg.asset(partitions_def=months)
    def monthly(context, daily):
        window = context.asset_partitions_time_window_for_input("daily")
        keys = context.asset_partition_keys_for_input("daily")
        return {
            "days": len(daily),
            "first": keys[0],
            "last": keys[-1],
            "start": str(window.start),
            "end": str(window.end),
        }

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        for key in days.get_partition_keys()[:29]:
            dg.materialize([daily], partition_key=key, instance=instance, resources={"io_manager": storage})
        result = dg.materialize(
            [daily.to_source_asset(), monthly],
            partition_key="2024-02-01",
            instance=instance,
            resources={"io_manager": storage},
        )
        note.run("run", result, outputs=["monthly"])


@program
def static_keys_are_mapped_by_a_table(note: Recorder) -> None:
    cities = dg.StaticPartitionsDefinition(["rome", "milan", "paris"])
    countries = dg.StaticPartitionsDefinition(["it", "fr"])
    mapping = dg.StaticPartitionMapping({"rome": "it", "milan": "it", "paris": "fr"})

    @dg.asset(partitions_def=cities)
    def city(context):
        return context.partition_key

    @dg.asset(partitions_def=countries, ins={"city": dg.AssetIn(partition_mapping=mapping)})
    def country(context, city):
        return sorted(city.values()) if isinstance(city, dict) else city

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        for key in cities.get_partition_keys():
            dg.materialize([city], partition_key=key, instance=instance, resources={"io_manager": storage})
        for key in ("it", "fr"):
            result = dg.materialize(
                [city.to_source_asset(), country],
                partition_key=key,
                instance=instance,
                resources={"io_manager": storage},
            )
            note.run(key, result, outputs=["country"])


@program
def last_and_specific_partitions_are_read(note: Recorder) -> None:
    letters = dg.StaticPartitionsDefinition(["a", "b", "c"])

    @dg.asset(partitions_def=letters)
    def letter(context):
        return context.partition_key

    @dg.asset(ins={"letter": dg.AssetIn(partition_mapping=dg.SpecificPartitionsPartitionMapping(["a", "b"]))})
    def chosen(letter):
        return sorted(letter)

    @dg.asset(ins={"letter": dg.AssetIn(partition_mapping=dg.LastPartitionMapping())})
    def youngest(letter):
        return letter

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        for key in letters.get_partition_keys():
            dg.materialize([letter], partition_key=key, instance=instance, resources={"io_manager": storage})
        result = dg.materialize(
            [letter.to_source_asset(), chosen, youngest], instance=instance, resources={"io_manager": storage}
        )
        note.run("run", result, outputs=["youngest", "chosen"])


@program
def two_dimensions_are_named_in_the_key(note: Recorder) -> None:
    cube = dg.MultiPartitionsDefinition({"day": DAYS, "size": dg.StaticPartitionsDefinition(["s", "l"])})

    @dg.asset(partitions_def=cube)
    def cell(context: dg.AssetExecutionContext):
        return [context.partition_key.keys_by_dimension, str(context.partition_key), context.partition_time_window]

    result = dg.materialize([cell], partition_key=dg.MultiPartitionKey({"size": "s", "day": "2024-01-02"}))
    note.run("run", result, outputs=["cell"])


@program
def one_dimension_of_several_is_read(note: Recorder) -> None:
    sizes = dg.StaticPartitionsDefinition(["s", "l"])
    cube = dg.MultiPartitionsDefinition({"colour": dg.StaticPartitionsDefinition(["red", "blue"]), "size": sizes})

    @dg.asset(partitions_def=cube)
    def cell(context):
        return str(context.partition_key)

    @dg.asset(
        partitions_def=sizes,
        ins={"cell": dg.AssetIn(partition_mapping=dg.MultiToSingleDimensionPartitionMapping("size"))},
    )
    def by_size(cell):
        return sorted(cell.values())

    with dg.DagsterInstance.ephemeral() as instance:
        storage = dg.FilesystemIOManager(base_dir="storage")
        for key in cube.get_partition_keys():
            dg.materialize([cell], partition_key=key, instance=instance, resources={"io_manager": storage})
        result = dg.materialize(
            [cell.to_source_asset(), by_size],
            partition_key="s",
            instance=instance,
            resources={"io_manager": storage},
        )
        note.run("run", result, outputs=["by_size"])


@program
def dynamic_partitions_are_kept_by_the_instance(note: Recorder) -> None:
    files = dg.DynamicPartitionsDefinition(name="files")

    @dg.asset(partitions_def=files)
    def file(context):
        return context.partition_key

    with dg.DagsterInstance.ephemeral() as instance:
        note.error("before", lambda: dg.materialize([file], partition_key="a.csv", instance=instance), ["a.csv"])
        instance.add_dynamic_partitions("files", ["a.csv", "b.csv"])
        note("keys", instance.get_dynamic_partitions("files"))
        note("has", instance.has_dynamic_partition("files", "b.csv"))
        note("of definition", files.get_partition_keys(dynamic_partitions_store=instance))
        note.run("run", dg.materialize([file], partition_key="a.csv", instance=instance))
        instance.delete_dynamic_partition("files", "a.csv")
        note("left", instance.get_dynamic_partitions("files"))


@program
def a_single_run_takes_a_range(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
    def ranged(context: dg.AssetExecutionContext) -> None:
        note("keys", context.partition_keys)

    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-04",
    }
    note.run("run", dg.materialize([ranged], tags=tags))


@program
def config_of_a_job_follows_its_partition(note: Recorder) -> None:
    @dg.daily_partitioned_config(start_date="2024-01-01")
    def by_day(start, end):
        return {"ops": {"say": {"config": {"start": str(start.date()), "end": str(end.date())}}}}

    @dg.op(config_schema={"start": str, "end": str})
    def say(context):
        return [context.op_config["start"], context.op_config["end"]]

    @dg.job(config=by_day)
    def daily():
        say()

    note.run("run", daily.execute_in_process(partition_key="2024-01-03"), outputs=["say"])
    note("keys", daily.partitions_def.get_partition_keys()[:3])

    @dg.static_partitioned_config(["x", "y"])
    def by_letter(key):
        return {"ops": {"say": {"config": {"start": key, "end": key}}}}

    @dg.job(config=by_letter)
    def lettered():
        say()

    note.run("static", lettered.execute_in_process(partition_key="y"), outputs=["say"])
    note.error("unknown", lambda: lettered.execute_in_process(partition_key="z"), ["z"])


@program
def mapped_keys_are_asked_of_the_mapping(note: Recorder) -> None:
    days = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-03-01")
    weeks = dg.WeeklyPartitionsDefinition("2024-01-07", end_date="2024-03-03")
    mapping = dg.TimeWindowPartitionMapping()
    subset = weeks.empty_subset().with_partition_keys(["2024-01-14"])
    upstream = mapping.get_upstream_mapped_partitions_result_for_partitions(subset, weeks, days)
    note("upstream", sorted(upstream.partitions_subset.get_partition_keys()))
    down = mapping.get_downstream_partitions_for_partitions(
        days.empty_subset().with_partition_keys(["2024-01-20", "2024-01-21"]), days, weeks
    )
    note("downstream", sorted(down.get_partition_keys()))


@program
def configs_of_every_cadence_follow_their_partitions(note: Recorder) -> None:
    @dg.op(config_schema={"start": str, "end": str})
    def say(context):
        return [context.op_config["start"], context.op_config["end"]]

    def told(start, end):
        return {"ops": {"say": {"config": {"start": start.isoformat(), "end": end.isoformat()}}}}

    kinds = {
        "hourly": (dg.hourly_partitioned_config(start_date="2024-01-01-00:00"), "2024-01-01-05:00"),
        "daily": (dg.daily_partitioned_config(start_date="2024-01-01", hour_offset=6), "2024-01-03"),
        "weekly": (dg.weekly_partitioned_config(start_date="2024-01-01", day_offset=2), "2024-01-09"),
        "monthly": (dg.monthly_partitioned_config(start_date="2024-01-01", timezone="Europe/Berlin"), "2024-03-01"),
    }
    for label, (decorator, key) in kinds.items():
        config = decorator(told)

        @dg.job(config=config)
        def work():
            say()

        note.run(label, work.execute_in_process(partition_key=key), outputs=["say"])
        note(f"{label} config", config.get_run_config_for_partition_key(key))
        note(f"{label} kind", [isinstance(config, dg.PartitionedConfig), type(config.partitions_def).__name__])
        note(f"{label} first", work.partitions_def.get_partition_keys(current_time=datetime(2024, 3, 5))[:2])
        note(f"{label} called", config(datetime(2024, 1, 1), datetime(2024, 1, 2)))
        note.error(f"{label} unknown", lambda work=work: work.execute_in_process(partition_key="1999-01-01"))


@program
def a_partitioned_config_is_written_by_hand(note: Recorder) -> None:
    letters = dg.StaticPartitionsDefinition(["x", "y"])

    @dg.op(config_schema={"letter": str})
    def say(context):
        return [context.op_config["letter"], context.partition_key]

    config = dg.PartitionedConfig(
        partitions_def=letters,
        run_config_for_partition_key_fn=lambda key: {"ops": {"say": {"config": {"letter": key.upper()}}}},
        tags_for_partition_key_fn=lambda key: {"letter": key},
    )

    @dg.job(config=config)
    def work():
        say()

    result = work.execute_in_process(partition_key="x")
    note.run("run", result, outputs=["say"])
    note("tags", {key: value for key, value in result.dagster_run.tags.items() if "/" not in key})
    note("keys", config.get_partition_keys())
    note("config", config.get_run_config_for_partition_key("y"))
    note("tags of key", config.get_tags_for_partition_key("y").get("letter"))
    note("partitions", work.partitions_def == letters)
    note("of job", work.partitioned_config is config)
    note.error("no partition", lambda: work.execute_in_process())
    note.error("unknown", lambda: work.execute_in_process(partition_key="z"), ["z"])
    note.error("unknown config", lambda: config.get_run_config_for_partition_key("z"), ["z"])
    note.error("no function", lambda: dg.PartitionedConfig(partitions_def=letters))
    own = {"ops": {"say": {"config": {"letter": "own"}}}}
    note.run("config wins", work.execute_in_process(partition_key="x", run_config=own), outputs=["say"])


@program
def a_dynamic_config_follows_what_a_function_lists(note: Recorder) -> None:
    @dg.op(config_schema={"name": str})
    def say(context):
        return context.op_config["name"]

    @dg.dynamic_partitioned_config(partition_fn=lambda _now: ["a", "b"], tags_for_partition_fn=lambda key: {"n": key})
    def by_name(key):
        return {"ops": {"say": {"config": {"name": key}}}}

    @dg.static_partitioned_config(partition_keys=["a"], tags_for_partition_key_fn=lambda key: {"k": key})
    def tagged(key):
        return {"ops": {"say": {"config": {"name": key}}}}

    @dg.job(config=by_name)
    def named():
        say()

    @dg.job(config=tagged)
    def with_tags():
        say()

    note("keys", by_name.get_partition_keys())
    note.run("run", named.execute_in_process(partition_key="b"), outputs=["say"])
    result = with_tags.execute_in_process(partition_key="a")
    note("tags", result.dagster_run.tags.get("k"))
    note("called", tagged("q"))


@program
def windows_are_values(note: Recorder) -> None:
    window = dg.TimeWindow(datetime(2024, 1, 1), datetime(2024, 1, 2))
    note("parts", [window.start, window.end])
    note("equal", window == dg.TimeWindow(datetime(2024, 1, 1), datetime(2024, 1, 2)))
    note("by name", dg.TimeWindow(start=datetime(2024, 1, 1), end=datetime(2024, 1, 2)) == window)
    keys = dg.PartitionKeyRange(start="2024-01-02", end="2024-01-04")
    note("range", [keys.start, keys.end])
    note("keys", DAYS.get_partition_keys_in_range(keys))
    note("of range", DAYS.get_partition_keys_in_time_window(dg.TimeWindow(datetime(2024, 1, 3), datetime(2024, 1, 5))))
    note("first", [DAYS.get_first_partition_key(), DAYS.get_last_partition_key()])
    note("last window", DAYS.get_last_partition_window())
    note("next", DAYS.get_next_partition_window(datetime(2024, 1, 3)))
    note("previous", DAYS.get_prev_partition_window(datetime(2024, 1, 3)))
    note("start and end", [DAYS.start, DAYS.end])
    note("offsets", [DAYS.minute_offset, DAYS.hour_offset])
    note("cadence", DAYS.schedule_type)
    note.error(
        "upside down", lambda: DAYS.get_partition_keys_in_range(dg.PartitionKeyRange("2024-01-05", "2024-01-02"))
    )
    note.error(
        "outside",
        lambda: DAYS.get_partition_keys_in_range(dg.PartitionKeyRange("2024-01-05", "2025-01-02")),
        ["2025-01-02"],
    )


@program
def subsets_of_partitions_are_sets(note: Recorder) -> None:
    for label, definition, few in (
        ("days", DAYS, ["2024-01-02", "2024-01-03"]),
        ("static", dg.StaticPartitionsDefinition(["a", "b", "c"]), ["a", "c"]),
    ):
        some = definition.empty_subset().with_partition_keys(few)
        whole = definition.subset_with_all_partitions()
        note(f"{label} keys", sorted(some.get_partition_keys()))
        note(f"{label} count", [len(some), len(whole), len(definition.empty_subset())])
        note(f"{label} in", [few[0] in some, "nothing" in some])
        note(f"{label} or", sorted((some | definition.empty_subset()).get_partition_keys()))
        note(f"{label} and", sorted((some & whole).get_partition_keys()))
        note(f"{label} minus", sorted((whole - some).get_partition_keys()))
        note(f"{label} missing", sorted(some.get_partition_keys_not_in_subset(definition)))
        note(f"{label} ranges", some.get_partition_key_ranges(definition))


@program
def sensors_add_and_delete_partitions(note: Recorder) -> None:
    files = dg.DynamicPartitionsDefinition(name="files")

    @dg.asset(partitions_def=files)
    def file(context):
        return context.partition_key

    job = dg.define_asset_job("read", selection="file", partitions_def=files)

    @dg.sensor(job=job)
    def watching(context):
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key="c", partition_key="c")],
            dynamic_partitions_requests=[files.build_add_request(["c"]), files.build_delete_request(["a"])],
        )

    add = dg.AddDynamicPartitionsRequest("files", ["x", "y"])
    delete = dg.DeleteDynamicPartitionsRequest("files", ["z"])
    note("add", [add.partitions_def_name, add.partition_keys])
    note("delete", [delete.partitions_def_name, delete.partition_keys])
    note("built", files.build_add_request(["c"]) == dg.AddDynamicPartitionsRequest("files", ["c"]))
    defs = dg.Definitions(assets=[file], jobs=[job], sensors=[watching])
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("files", ["a", "b"])
        context = dg.build_sensor_context(instance=instance, repository_def=defs.get_repository_def())
        data = watching(context)
        note("requests", [[each.run_key, each.partition_key] for each in data.run_requests])
        note(
            "asked",
            [
                [type(each).__name__, each.partitions_def_name, each.partition_keys]
                for each in data.dynamic_partitions_requests
            ],
        )
        note("not yet", instance.get_dynamic_partitions("files"))
    note.error("two names", lambda: dg.DynamicPartitionsDefinition(lambda _now: ["a"]).build_add_request(["x"]))


@program
def jobs_of_partitioned_assets_run_one(note: Recorder) -> None:
    @dg.asset(partitions_def=DAYS)
    def sales(context):
        return context.partition_key

    @dg.asset
    def plain():
        return 1

    job = dg.define_asset_job("daily", selection=["sales", "plain"])
    defs = dg.Definitions(assets=[sales, plain], jobs=[job])
    found = defs.resolve_job_def("daily")
    note.run("run", found.execute_in_process(partition_key="2024-01-03"), outputs=["sales"])
    note("partitions", found.partitions_def == DAYS)
    note.error("unknown", lambda: found.execute_in_process(partition_key="2030-01-03"), ["2030-01-03"])
    other = dg.define_asset_job("other", selection="sales", partitions_def=dg.StaticPartitionsDefinition(["a"]))
    note.error(
        "other partitions", lambda: dg.Definitions(assets=[sales], jobs=[other]).resolve_job_def("other"), ["sales"]
    )

    @dg.asset(partitions_def=dg.StaticPartitionsDefinition(["a"]))
    def lettered():
        return 1

    note.error(
        "two kinds",
        lambda: dg.Definitions(
            assets=[sales, lettered], jobs=[dg.define_asset_job("both", selection=["sales", "lettered"])]
        ).resolve_job_def("both"),
        ["both"],
    )
