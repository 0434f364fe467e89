"""Partition mappings: what each says of keys in both directions, and what a run loads through it."""

from datetime import datetime
from typing import NamedTuple

import dagster as dg
from dagster._core.definitions.partitions.mapping.partition_mapping import UpstreamPartitionsResult
from recorder import Recorder, program

DAYS = dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-15")
HOURS = dg.HourlyPartitionsDefinition("2024-01-01-00:00", end_date="2024-01-03-00:00")
WEEKS = dg.WeeklyPartitionsDefinition("2024-01-07", end_date="2024-02-04")
MONTHS = dg.MonthlyPartitionsDefinition("2024-01-01", end_date="2024-04-01")
LETTERS = dg.StaticPartitionsDefinition(["a", "b", "c"])
SIZES = dg.StaticPartitionsDefinition(["s", "l"])
CUBE = dg.MultiPartitionsDefinition({"letter": LETTERS, "size": SIZES})
DAY_CUBE = dg.MultiPartitionsDefinition({"day": DAYS, "size": SIZES})


def upstream(mapping, keys, downstream_def, upstream_def, **settings):
    subset = downstream_def.empty_subset().with_partition_keys(keys)
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(
        subset, downstream_def, upstream_def, **settings
    )
    return [
        sorted(result.partitions_subset.get_partition_keys()),
        sorted(result.required_but_nonexistent_partition_keys),
    ]


def downstream(mapping, keys, upstream_def, downstream_def, **settings):
    subset = upstream_def.empty_subset().with_partition_keys(keys)
    return sorted(
        mapping.get_downstream_partitions_for_partitions(
            subset, upstream_def, downstream_def, **settings
        ).get_partition_keys()
    )


def through(note, label, mapping, upstream_def, downstream_def, keys, *, up_keys, function=None):
    """Materialize some partitions of an upstream asset and then those of one that loads them through a mapping."""

    @dg.asset(partitions_def=upstream_def, name="up")
    def up(context):
        return str(context.partition_key) if context.has_partition_key else "whole"

    @dg.asset(partitions_def=downstream_def, name="down", ins={"up": dg.AssetIn(partition_mapping=mapping)})
    def down(context, up):
        return [
            dict(sorted(up.items())) if isinstance(up, dict) else up,
            sorted(context.asset_partition_keys_for_input("up")),
        ]

    storage = {"io_manager": dg.FilesystemIOManager(base_dir=f"storage {label}")}
    with dg.DagsterInstance.ephemeral() as instance:
        for key in up_keys:
            dg.materialize([up], partition_key=key, instance=instance, resources=storage)
        for key in keys:
            note.error(
                f"{label} {key}",
                lambda key=key: dg.materialize(
                    [up, down], selection=[down], partition_key=key, instance=instance, resources=storage
                ).output_for_node("down"),
                ["up"],
            )


@program
def the_same_key_is_read(note: Recorder) -> None:
    same = dg.IdentityPartitionMapping()
    note("up", upstream(same, ["a", "c"], LETTERS, LETTERS))
    note("down", downstream(same, ["b"], LETTERS, LETTERS))
    few = dg.StaticPartitionsDefinition(["a", "b"])
    note("missing", upstream(same, ["a", "c"], LETTERS, few))
    note("missing down", downstream(same, ["a", "c"], LETTERS, few))
    through(note, "same", same, LETTERS, LETTERS, ["a"], up_keys=["a", "b"])
    through(note, "default", None, LETTERS, LETTERS, ["b"], up_keys=["a", "b"])
    note("equal", same == dg.IdentityPartitionMapping())


@program
def all_keys_are_read(note: Recorder) -> None:
    whole = dg.AllPartitionMapping()
    note("up", upstream(whole, ["a"], LETTERS, SIZES))
    note("down", downstream(whole, ["s"], SIZES, LETTERS))
    through(note, "all", whole, SIZES, LETTERS, ["a"], up_keys=["s", "l"])
    through(note, "of two", whole, CUBE, None, [None], up_keys=CUBE.get_partition_keys())


@program
def the_last_key_is_read(note: Recorder) -> None:
    last = dg.LastPartitionMapping()
    note("up", upstream(last, ["a"], LETTERS, SIZES))
    note("down of last", downstream(last, ["l"], SIZES, LETTERS))
    note("down of first", downstream(last, ["s"], SIZES, LETTERS))
    note("days", upstream(last, ["a"], LETTERS, DAYS))
    through(note, "last", last, SIZES, LETTERS, ["a"], up_keys=["s", "l"])


@program
def named_keys_are_read(note: Recorder) -> None:
    named = dg.SpecificPartitionsPartitionMapping(["a", "c"])
    note("up", upstream(named, ["s"], SIZES, LETTERS))
    note("down of named", downstream(named, ["a"], LETTERS, SIZES))
    note("down of other", downstream(named, ["b"], LETTERS, SIZES))
    through(note, "named", named, LETTERS, SIZES, ["s"], up_keys=["a", "c"])
    wrong = dg.SpecificPartitionsPartitionMapping(["z"])
    note.error("unknown", lambda: upstream(wrong, ["s"], SIZES, LETTERS), ["z"])


@program
def keys_are_looked_up_in_a_table(note: Recorder) -> None:
    table = dg.StaticPartitionMapping({"a": ["s", "l"], "b": "l"})
    note("up", upstream(table, ["l"], SIZES, LETTERS))
    note("up one", upstream(table, ["s"], SIZES, LETTERS))
    note("down", downstream(table, ["a"], LETTERS, SIZES))
    note("down of none", downstream(table, ["c"], LETTERS, SIZES))
    through(note, "table", table, LETTERS, SIZES, ["s", "l"], up_keys=["a", "b", "c"])

    def wrong():
        mapping = dg.StaticPartitionMapping({"z": "s"})
        return upstream(mapping, ["s"], SIZES, LETTERS)

    note.error("unknown upstream", wrong, ["z"])
    note.error(
        "unknown downstream", lambda: downstream(dg.StaticPartitionMapping({"a": "x"}), ["a"], LETTERS, SIZES), ["x"]
    )


@program
def windows_that_overlap_are_read(note: Recorder) -> None:
    window = dg.TimeWindowPartitionMapping()
    note("week of days", upstream(window, ["2024-01-07"], WEEKS, DAYS))
    note("day of week", upstream(window, ["2024-01-09"], DAYS, WEEKS))
    note("day of hours", upstream(window, ["2024-01-02"], DAYS, HOURS))
    note("month of weeks", upstream(window, ["2024-01-01"], MONTHS, WEEKS))
    note("hours of day", downstream(window, ["2024-01-02"], DAYS, HOURS))
    note("weeks of days", downstream(window, ["2024-01-08", "2024-01-14"], DAYS, WEEKS))
    note("days that are not yet", upstream(window, ["2024-02-01"], MONTHS, DAYS, current_time=datetime(2024, 3, 1)))
    through(note, "hours", window, HOURS, DAYS, ["2024-01-02"], up_keys=HOURS.get_partition_keys()[24:])
    through(note, "week", window, DAYS, WEEKS, ["2024-01-07"], up_keys=DAYS.get_partition_keys()[6:13])
    through(note, "reversed", window, WEEKS, DAYS, ["2024-01-09"], up_keys=["2024-01-07"])


@program
def windows_are_shifted(note: Recorder) -> None:
    before = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    three = dg.TimeWindowPartitionMapping(start_offset=-2)
    lax = dg.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=True)
    note("before", upstream(before, ["2024-01-05"], DAYS, DAYS))
    note("before the first", upstream(before, ["2024-01-01"], DAYS, DAYS))
    note("three", upstream(three, ["2024-01-05"], DAYS, DAYS))
    note("three at the start", upstream(three, ["2024-01-02"], DAYS, DAYS))
    note("lax at the start", upstream(lax, ["2024-01-01"], DAYS, DAYS))
    note("down of before", downstream(before, ["2024-01-05"], DAYS, DAYS))
    note("down of three", downstream(three, ["2024-01-05"], DAYS, DAYS))
    note("down of the last", downstream(before, ["2024-01-14"], DAYS, DAYS))
    note("weeks before", upstream(before, ["2024-01-14"], WEEKS, WEEKS))
    through(note, "three", three, DAYS, DAYS, ["2024-01-05", "2024-01-02"], up_keys=DAYS.get_partition_keys()[:5])
    through(note, "lax", lax, DAYS, DAYS, ["2024-01-01", "2024-01-02"], up_keys=["2024-01-01", "2024-01-02"])
    through(note, "before", before, DAYS, DAYS, ["2024-01-01"], up_keys=["2024-01-01"])
    note("attributes", [three.start_offset, three.end_offset, lax.allow_nonexistent_upstream_partitions])


@program
def one_dimension_is_read(note: Recorder) -> None:
    single = dg.MultiToSingleDimensionPartitionMapping("size")
    note("up of single", upstream(single, ["s"], SIZES, CUBE))
    note("down to single", downstream(single, ["a|s"], CUBE, SIZES))
    note("up of multi", upstream(single, ["a|s", "b|l"], CUBE, SIZES))
    note("down to multi", downstream(single, ["s"], SIZES, CUBE))
    inferred = dg.MultiToSingleDimensionPartitionMapping()
    note("inferred", upstream(inferred, ["a"], LETTERS, CUBE))
    through(note, "to single", single, CUBE, SIZES, ["s"], up_keys=CUBE.get_partition_keys())
    through(note, "to multi", single, SIZES, CUBE, ["b|l"], up_keys=["s", "l"])
    through(note, "by default", None, CUBE, SIZES, ["l"], up_keys=CUBE.get_partition_keys())
    unknown = dg.MultiToSingleDimensionPartitionMapping("colour")
    note.error("unknown dimension", lambda: upstream(unknown, ["s"], SIZES, CUBE), ["colour"])
    other = dg.StaticPartitionsDefinition(["x"])
    note.error("no dimension fits", lambda: upstream(inferred, ["x"], other, CUBE))


@program
def dimensions_are_mapped_one_by_one(note: Recorder) -> None:
    marks = dg.StaticPartitionsDefinition(["1", "2", "3"])
    lower = dg.MultiPartitionsDefinition({"mark": marks, "size": SIZES})
    mapping = dg.MultiPartitionMapping(
        {
            "letter": dg.DimensionPartitionMapping(
                dimension_name="mark",
                partition_mapping=dg.StaticPartitionMapping({"a": "1", "b": ["2", "3"]}),
            ),
            "size": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping()),
        }
    )
    note("up", upstream(mapping, [dg.MultiPartitionKey({"mark": "2", "size": "s"})], lower, CUBE))
    note("down", downstream(mapping, [dg.MultiPartitionKey({"letter": "b", "size": "l"})], CUBE, lower))
    through(
        note,
        "run",
        mapping,
        CUBE,
        lower,
        [dg.MultiPartitionKey({"mark": "3", "size": "s"})],
        up_keys=CUBE.get_partition_keys(),
    )
    partial = dg.MultiPartitionMapping({"size": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping())})
    note("partial", upstream(partial, [dg.MultiPartitionKey({"mark": "2", "size": "s"})], lower, CUBE))
    shifted = dg.MultiPartitionMapping(
        {
            "day": dg.DimensionPartitionMapping("day", dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)),
            "size": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping()),
        }
    )
    note("shifted", upstream(shifted, [dg.MultiPartitionKey({"day": "2024-01-05", "size": "s"})], DAY_CUBE, DAY_CUBE))
    note(
        "shifted down",
        downstream(shifted, [dg.MultiPartitionKey({"day": "2024-01-05", "size": "s"})], DAY_CUBE, DAY_CUBE),
    )
    wrong = dg.MultiPartitionMapping({"colour": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping())})
    note.error("unknown dimension", lambda: upstream(wrong, ["1|s"], lower, CUBE), ["colour"])
    note("what it says", [mapping.downstream_mappings_by_upstream_dimension["letter"].dimension_name])


@program
def without_a_mapping_the_default_holds(note: Recorder) -> None:
    through(note, "unpartitioned above", None, None, LETTERS, ["a"], up_keys=[None])
    through(note, "unpartitioned below", None, LETTERS, None, [None], up_keys=["a", "b", "c"])
    through(note, "days to months", None, DAYS, MONTHS, ["2024-01-01"], up_keys=DAYS.get_partition_keys())
    through(note, "same cube", None, CUBE, CUBE, ["a|s"], up_keys=["a|s"])
    through(note, "different letters", None, LETTERS, SIZES, ["s"], up_keys=["a", "b", "c"])


@program
def a_mapping_of_deps_says_which_keys(note: Recorder) -> None:
    seen = {}

    @dg.asset(partitions_def=DAYS)
    def raw():
        return 1

    @dg.asset(
        partitions_def=DAYS,
        deps=[dg.AssetDep(raw, partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))],
    )
    def after(context: dg.AssetExecutionContext):
        seen["keys"] = list(context.asset_partition_keys_for_input("raw"))
        seen["window"] = context.asset_partitions_time_window_for_input("raw")
        seen["range"] = context.asset_partition_key_range_for_input("raw")

    note.run("run", dg.materialize([raw, after], selection=[after], partition_key="2024-01-04"))
    note("seen", seen)
    note("mapping", type(after.get_partition_mapping(raw.key)).__name__)
    note.error(
        "twice",
        lambda: (
            dg.asset(deps=[raw, dg.AssetDep(raw, partition_mapping=dg.LastPartitionMapping())], name="x")(
                lambda: None
            ).key
        ),
        ["raw"],
    )


@program
def an_asset_reads_its_own_past(note: Recorder) -> None:
    @dg.asset(
        partitions_def=DAYS,
        ins={
            "running": dg.AssetIn(
                partition_mapping=dg.TimeWindowPartitionMapping(
                    start_offset=-1, end_offset=-1, allow_nonexistent_upstream_partitions=True
                )
            )
        },
    )
    def running(context, running):
        return (running or 0) + 1 if not isinstance(running, dict) else 1 + sum(running.values())

    storage = {"io_manager": dg.FilesystemIOManager(base_dir="storage")}
    with dg.DagsterInstance.ephemeral() as instance:
        for key in ("2024-01-01", "2024-01-02", "2024-01-03"):
            note.error(
                key,
                lambda key=key: dg.materialize(
                    [running], partition_key=key, instance=instance, resources=storage
                ).output_for_node("running"),
            )


@program
def a_mapping_of_ones_own_is_refused_or_used(note: Recorder) -> None:
    class Everything(dg.PartitionMapping):
        @property
        def description(self):
            return "everything"

        def get_upstream_mapped_partitions_result_for_partitions(
            self, downstream_partitions_subset, downstream_partitions_def, upstream_partitions_def, *args, **kwargs
        ):
            return dg.SpecificPartitionsPartitionMapping(
                ["a", "b"]
            ).get_upstream_mapped_partitions_result_for_partitions(
                downstream_partitions_subset, downstream_partitions_def, upstream_partitions_def
            )

        def get_downstream_partitions_for_partitions(
            self, upstream_partitions_subset, upstream_partitions_def, downstream_partitions_def, *args, **kwargs
        ):
            return downstream_partitions_def.empty_subset().with_partition_keys(["s"])

        def validate_partition_mapping(self, *args, **kwargs):
            return None

    own = Everything()
    note("kind", isinstance(own, dg.PartitionMapping))
    note("description", own.description)
    note("up", upstream(own, ["s"], SIZES, LETTERS))
    note("down", downstream(own, ["a"], LETTERS, SIZES))
    through(note, "own", own, LETTERS, SIZES, ["s"], up_keys=["a", "b", "c"])


@program
def dynamic_keys_are_mapped(note: Recorder) -> None:
    files = dg.DynamicPartitionsDefinition(name="files")

    @dg.asset(partitions_def=files)
    def file(context):
        return context.partition_key

    @dg.asset(partitions_def=files)
    def read(context, file):
        return f"read {file}"

    @dg.asset
    def collected(file):
        return sorted(file)

    storage = {"io_manager": dg.FilesystemIOManager(base_dir="storage")}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("files", ["a", "b"])
        for key in ("a", "b"):
            result = dg.materialize([file, read], partition_key=key, instance=instance, resources=storage)
            note.run(key, result, outputs=["read"])
        result = dg.materialize([file, collected], selection=[collected], instance=instance, resources=storage)
        note.run("collected", result, outputs=["collected"])


class Vowels(dg.PartitionMapping, NamedTuple("Vowels", [("letters", str)])):
    """Written by a user: each partition needs those of some letters that the upstream asset has."""

    @property
    def description(self):
        return f"Needs {self.letters}."

    def validate_partition_mapping(self, upstream_partitions_def, downstream_partitions_def):
        for letter in self.letters:
            if letter not in upstream_partitions_def.get_partition_keys():
                raise ValueError(f"no letter {letter} upstream")

    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset,
        downstream_partitions_def,
        upstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        if "l" in downstream_partitions_subset.get_partition_keys():
            raise LookupError("nothing is known of large ones")
        return UpstreamPartitionsResult(
            partitions_subset=upstream_partitions_def.empty_subset().with_partition_keys(list(self.letters)),
            required_but_nonexistent_subset=upstream_partitions_def.empty_subset(),
        )

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset,
        upstream_partitions_def,
        downstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        touched = set(self.letters) & set(upstream_partitions_subset.get_partition_keys())
        keys = downstream_partitions_def.get_partition_keys() if touched else []
        return downstream_partitions_def.empty_subset().with_partition_keys(keys)


@program
def a_mapping_written_as_a_named_tuple_is_used_in_runs(note: Recorder) -> None:
    mapping = Vowels("ac")
    note("equal", [mapping == Vowels("ac"), mapping == Vowels("a")])
    note("down", downstream(mapping, ["a"], LETTERS, SIZES))
    note("down of none", downstream(mapping, ["b"], LETTERS, SIZES))
    through(note, "run", mapping, LETTERS, SIZES, ["s"], up_keys=["a", "b", "c"])
    through(note, "raising", mapping, LETTERS, SIZES, ["l"], up_keys=["a"])


@program
def a_mapping_of_ones_own_refuses_definitions(note: Recorder) -> None:
    up = dg.AssetSpec("up", partitions_def=LETTERS)

    @dg.asset(partitions_def=SIZES, deps=[dg.AssetDep(up, partition_mapping=Vowels("az"))])
    def below(): ...

    note.error(
        "load",
        lambda: dg.Definitions.validate_loadable(dg.Definitions(assets=[dg.AssetsDefinition(specs=[up]), below])),
        ["z"],
    )


@program
def only_some_assets_may_depend_on_themselves(note: Recorder) -> None:
    before = dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    ways = {
        "yesterday": (DAYS, before),
        "the week before": (DAYS, dg.TimeWindowPartitionMapping(start_offset=-7, end_offset=-1)),
        "today as well": (DAYS, dg.TimeWindowPartitionMapping(start_offset=-1)),
        "tomorrow": (DAYS, dg.TimeWindowPartitionMapping(start_offset=1, end_offset=1)),
        "all": (DAYS, dg.AllPartitionMapping()),
        "the same letter": (LETTERS, dg.IdentityPartitionMapping()),
        "no partitions": (None, None),
        "a dimension of days": (
            DAY_CUBE,
            dg.MultiPartitionMapping(
                {
                    "day": dg.DimensionPartitionMapping("day", before),
                    "size": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping()),
                }
            ),
        ),
        "no dimension of days": (
            CUBE,
            dg.MultiPartitionMapping(
                {
                    "letter": dg.DimensionPartitionMapping("letter", dg.IdentityPartitionMapping()),
                    "size": dg.DimensionPartitionMapping("size", dg.IdentityPartitionMapping()),
                }
            ),
        ),
    }

    def load(partitions_def, mapping):
        @dg.asset(partitions_def=partitions_def, deps=[dg.AssetDep("itself", partition_mapping=mapping)])
        def itself(): ...

        dg.Definitions.validate_loadable(dg.Definitions(assets=[itself]))

    for label, way in ways.items():
        note.error(label, lambda way=way: load(*way), ["itself"])


@program
def a_range_of_an_asset_that_reads_its_own_past_is_one_run(note: Recorder) -> None:
    asked = {}

    class Remembers(dg.IOManager):
        def handle_output(self, context, obj): ...

        def load_input(self, context):
            asked["keys"] = list(context.asset_partition_keys)
            return 1

    @dg.asset(
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        ins={"once": dg.AssetIn(partition_mapping=dg.TimeWindowPartitionMapping(start_offset=-1, end_offset=-1))},
    )
    def once(once):
        return {}

    tags = {
        "dagster/asset_partition_range_start": "2024-01-02",
        "dagster/asset_partition_range_end": "2024-01-05",
    }
    dg.materialize([once], tags=tags, resources={"io_manager": Remembers()}, raise_on_error=False)
    note("keys", asked)
