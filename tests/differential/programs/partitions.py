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
