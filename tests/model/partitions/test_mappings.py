from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from headwater.model.partitions import (
    AllPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    DynamicPartitionsDefinition,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    InvalidPartitionsDefinitionError,
    LastPartitionMapping,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    UpstreamPartitionsResult,
    WeeklyPartitionsDefinition,
    default_partition_mapping,
    mapping_problem,
)
from tests.model.partitions.strategies import NOW, STORE, definitions, multis, small_definitions, statics, time_windows

MARCH = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = DailyPartitionsDefinition("2024-01-01")
HOURS = HourlyPartitionsDefinition("2024-01-01-00:00")
WEEKS = WeeklyPartitionsDefinition("2024-01-07")
LETTERS = StaticPartitionsDefinition(["a", "b", "c"])
GRID = MultiPartitionsDefinition({"letter": LETTERS, "date": DAYS})


def upstream(mapping, keys, downstream_def, upstream_def, now=MARCH):
    result = mapping.upstream_of(downstream_def.subset_with_partition_keys(keys), upstream_def, now, STORE)
    return list(result.partitions_subset), list(result.required_but_nonexistent_subset)


def downstream(mapping, keys, upstream_def, downstream_def, now=MARCH):
    return list(mapping.downstream_of(upstream_def.subset_with_partition_keys(keys), downstream_def, now, STORE))


# Laws

offsets = st.integers(-3, 3)
time_mappings = st.builds(TimeWindowPartitionMapping, offsets, offsets, st.booleans())


@st.composite
def joined(draw: st.DrawFn):
    """An upstream and a downstream definition, and a mapping that can join them."""
    kind = draw(st.sampled_from(["time", "static", "any", "default", "multi", "multi_to_single"]))
    if kind == "time":
        return draw(time_windows()), draw(time_windows()), draw(time_mappings)
    if kind == "static":
        up, down = draw(statics), draw(statics)
        keys = st.lists(st.sampled_from(down.get_partition_keys()), unique=True, max_size=3)
        return up, down, StaticPartitionMapping({key: draw(keys) for key in up.get_partition_keys()[:3]})
    if kind == "any":
        up = draw(definitions)
        mappings = st.sampled_from([AllPartitionMapping(), LastPartitionMapping()])
        if isinstance(up, StaticPartitionsDefinition):
            mappings |= st.just(SpecificPartitionsPartitionMapping(up.get_partition_keys()[:2]))
        return up, draw(definitions), draw(mappings)
    if kind == "multi":
        up, down = draw(multis()), draw(multis())
        pairs = zip(up.partition_dimension_names, reversed(down.partition_dimension_names), strict=False)
        chosen = {}
        for name, other in pairs:
            mapping = default_partition_mapping(up.defs_by_dimension[name], down.defs_by_dimension[other])
            if mapping_problem(up.defs_by_dimension[name], down.defs_by_dimension[other], mapping) is None:
                chosen[name] = DimensionPartitionMapping(other, mapping)
        return up, down, MultiPartitionMapping(chosen)
    if kind == "multi_to_single":
        grid = draw(multis())
        name = draw(st.sampled_from(grid.partition_dimension_names))
        mapping = MultiToSingleDimensionPartitionMapping(name)
        single = grid.defs_by_dimension[name]
        return (grid, single, mapping) if draw(st.booleans()) else (single, grid, mapping)
    up = draw(small_definitions | multis() | time_windows())
    down = draw(st.just(up) | small_definitions | multis() | time_windows())
    mapping = default_partition_mapping(up, down)
    if mapping_problem(up, down, mapping) is not None:
        mapping = AllPartitionMapping()
    return up, down, mapping


@given(joined(), st.data())
def test_both_directions_of_a_mapping_agree(drawn, data):
    up, down, mapping = drawn
    mapping.validate_partition_mapping(up, down)
    ups, downs = up.get_partition_keys(NOW, STORE), down.get_partition_keys(NOW, STORE)
    if not ups or not downs:
        return
    above, below = data.draw(st.sampled_from(ups)), data.draw(st.sampled_from(downs))
    needed = mapping.upstream_of(down.subset_with_partition_keys([below]), up, NOW, STORE).partitions_subset
    following = mapping.downstream_of(up.subset_with_partition_keys([above]), down, NOW, STORE)
    assert (above in needed) == (below in following)
    for key in list(needed)[:3]:
        assert below in mapping.downstream_of(up.subset_with_partition_keys([key]), down, NOW, STORE)
    for key in list(following)[:3]:
        assert above in mapping.upstream_of(down.subset_with_partition_keys([key]), up, NOW, STORE).partitions_subset


@given(joined(), st.data())
def test_a_mapping_of_a_set_is_the_union_of_the_mappings_of_its_parts(drawn, data):
    up, down, mapping = drawn
    keys = down.get_partition_keys(NOW, STORE)
    chosen = data.draw(st.lists(st.sampled_from(keys), max_size=4, unique=True)) if keys else []
    whole = mapping.upstream_of(down.subset_with_partition_keys(chosen), up, NOW, STORE)
    existing, missing = up.empty_subset(), up.empty_subset()
    for key in chosen:
        part = mapping.upstream_of(down.subset_with_partition_keys([key]), up, NOW, STORE)
        existing, missing = existing | part.partitions_subset, missing | part.required_but_nonexistent_subset
    assert whole.partitions_subset == existing
    assert whole.required_but_nonexistent_subset == missing
    everything = up.subset_with_all_partitions(NOW, STORE)
    assert whole.partitions_subset <= everything
    assert whole.required_but_nonexistent_subset.isdisjoint(everything)


@given(time_windows(), time_windows(), st.data())
def test_windows_need_exactly_the_windows_that_overlap_them(up, down, data):
    keys = down.get_partition_keys(NOW)
    if not keys:
        return
    key = data.draw(st.sampled_from(keys))
    window = down.time_window_for_partition_key(key)
    start, end = window.start.timestamp(), window.end.timestamp()
    overlapping = [
        other
        for other in up.get_partition_keys(NOW)
        if (span := up.time_window_for_partition_key(other)).start.timestamp() < end and span.end.timestamp() > start
    ]
    assert upstream(TimeWindowPartitionMapping(), [key], down, up, NOW)[0] == overlapping


# Windows of time


def test_a_day_needs_its_hours_and_an_hour_needs_its_day():
    mapping = TimeWindowPartitionMapping()
    assert upstream(mapping, ["2024-01-05"], DAYS, HOURS)[0] == [f"2024-01-05-{hour:02d}:00" for hour in range(24)]
    assert upstream(mapping, ["2024-01-05-03:00"], HOURS, DAYS) == (["2024-01-05"], [])
    assert downstream(mapping, ["2024-01-16"], DAYS, WEEKS) == ["2024-01-14"]
    assert len(upstream(mapping, ["2024-01-14"], WEEKS, DAYS)[0]) == 7


def test_days_of_different_timezones_need_the_two_days_that_they_touch():
    tokyo = DailyPartitionsDefinition("2024-01-01", timezone="Asia/Tokyo")
    assert upstream(TimeWindowPartitionMapping(), ["2024-01-05"], DAYS, tokyo)[0] == ["2024-01-05", "2024-01-06"]


def test_offsets_reach_back_and_forth_and_stop_where_partitions_end():
    yesterday = TimeWindowPartitionMapping(start_offset=-1)
    assert upstream(yesterday, ["2024-01-01", "2024-01-05"], DAYS, DAYS) == (
        ["2024-01-01", "2024-01-04", "2024-01-05"],
        [],
    )
    only_yesterday = TimeWindowPartitionMapping(start_offset=-1, end_offset=-1)
    assert upstream(only_yesterday, ["2024-01-01", "2024-01-05"], DAYS, DAYS) == (["2024-01-04"], [])
    assert upstream(TimeWindowPartitionMapping(end_offset=1), ["2024-02-29"], DAYS, DAYS) == (["2024-02-29"], [])
    assert downstream(yesterday, ["2024-01-05"], DAYS, DAYS) == ["2024-01-05", "2024-01-06"]
    assert len(downstream(yesterday, ["2024-01-05"], DAYS, HOURS)) == 25
    earlier = DailyPartitionsDefinition("2023-01-01")
    assert upstream(yesterday, ["2024-01-01"], DAYS, earlier)[0] == ["2023-12-31", "2024-01-01"]


def test_what_a_window_needs_and_does_not_exist_is_told():
    from_2023 = DailyPartitionsDefinition("2023-01-01")
    assert upstream(TimeWindowPartitionMapping(), ["2023-12-05"], from_2023, DAYS) == ([], ["2023-12-05"])
    lenient = TimeWindowPartitionMapping(allow_nonexistent_upstream_partitions=True)
    assert upstream(lenient, ["2023-12-05"], from_2023, DAYS) == ([], [])
    this_week = WeeklyPartitionsDefinition("2024-01-07", end_offset=1)
    found, missing = upstream(TimeWindowPartitionMapping(), ["2024-02-25"], this_week, DAYS)
    assert (found[-1], missing) == ("2024-02-29", ["2024-03-01", "2024-03-02"])


# Keys


def test_equal_keys_belong_together():
    fewer = StaticPartitionsDefinition(["b", "a"])
    assert upstream(IdentityPartitionMapping(), ["a", "c"], LETTERS, fewer) == (["a"], ["c"])
    assert downstream(IdentityPartitionMapping(), ["a", "c"], LETTERS, fewer) == ["a"]


def test_all_needs_all_and_last_needs_the_last():
    assert upstream(AllPartitionMapping(), ["2024-01-01"], DAYS, LETTERS)[0] == ["a", "b", "c"]
    assert upstream(LastPartitionMapping(), ["a"], LETTERS, DAYS)[0] == ["2024-02-29"]
    assert downstream(LastPartitionMapping(), ["2024-02-28"], DAYS, LETTERS) == []
    assert downstream(LastPartitionMapping(), ["2024-02-29"], DAYS, LETTERS) == ["a", "b", "c"]


def test_an_asset_without_partitions_needs_all_or_the_last():
    assert len(AllPartitionMapping().upstream_of(None, DAYS, MARCH).partitions_subset) == 60
    assert list(LastPartitionMapping().upstream_of(None, DAYS, MARCH).partitions_subset) == ["2024-02-29"]


def test_specific_partitions_are_needed_by_every_partition():
    mapping = SpecificPartitionsPartitionMapping(["a", "zz"])
    assert upstream(mapping, ["2024-01-01"], DAYS, LETTERS) == (["a"], ["zz"])
    assert downstream(mapping, ["b"], LETTERS, StaticPartitionsDefinition(["x"])) == []
    assert "zz" in mapping_problem(LETTERS, DAYS, mapping)


def test_static_partitions_correspond_as_written():
    mapping = StaticPartitionMapping({"a": ["x", "y"], "b": "z"})
    target = StaticPartitionsDefinition(["x", "y", "z", "w"])
    assert upstream(mapping, ["x", "y"], target, LETTERS) == (["a"], [])
    assert upstream(mapping, ["w"], target, LETTERS) == ([], [])
    assert downstream(mapping, ["a", "b", "c"], LETTERS, target) == ["x", "y", "z"]
    assert 'upstream partition "b"' in mapping_problem(StaticPartitionsDefinition(["a"]), target, mapping)
    assert "downstream is daily" in mapping_problem(LETTERS, DAYS, mapping)


# Several dimensions


def test_a_dimension_joins_several_dimensions_with_one():
    mapping = MultiToSingleDimensionPartitionMapping()
    assert upstream(mapping, ["b"], LETTERS, GRID)[0][:2] == ["2024-01-01|b", "2024-01-02|b"]
    assert downstream(mapping, ["2024-01-01|b", "2024-01-02|b"], GRID, LETTERS) == ["b"]
    assert upstream(mapping, ["2024-01-14"], WEEKS, GRID)[0][-1] == "2024-01-20|c"
    assert downstream(mapping, ["2024-01-14"], WEEKS, GRID)[0] == "2024-01-14|a"


def test_dimensions_that_are_not_mapped_need_all():
    mapping = MultiPartitionMapping({"letter": DimensionPartitionMapping("letter", IdentityPartitionMapping())})
    found, _ = upstream(mapping, ["2024-01-05|a"], GRID, GRID)
    assert len(found) == 60
    assert all(key.endswith("|a") for key in found)


def test_dimensions_are_mapped_each_in_its_own_way():
    weekly = MultiPartitionsDefinition({"kind": StaticPartitionsDefinition(["x", "y"]), "week": WEEKS})
    mapping = MultiPartitionMapping(
        {
            "date": DimensionPartitionMapping("week", TimeWindowPartitionMapping()),
            "letter": DimensionPartitionMapping("kind", StaticPartitionMapping({"a": "x", "b": "y", "c": "y"})),
        }
    )
    assert len(upstream(mapping, ["y|2024-01-14"], weekly, GRID)[0]) == 14
    assert downstream(mapping, ["2024-01-16|c"], GRID, weekly) == ["y|2024-01-14"]
    assert mapping_problem(GRID, weekly, mapping) is None


def test_two_dimensions_cannot_be_mapped_to_the_same_one():
    both = DimensionPartitionMapping("letter", IdentityPartitionMapping())
    with pytest.raises(InvalidPartitionsDefinitionError, match='downstream dimension "letter"'):
        MultiPartitionMapping({"letter": both, "date": both})


# Inference


@pytest.mark.parametrize(
    ("up", "down", "expected"),
    [
        (None, DAYS, AllPartitionMapping()),
        (DAYS, None, AllPartitionMapping()),
        (DAYS, DAYS, TimeWindowPartitionMapping()),
        (DAYS, HOURS, TimeWindowPartitionMapping()),
        (LETTERS, LETTERS, IdentityPartitionMapping()),
        (GRID, GRID, IdentityPartitionMapping()),
        (GRID, LETTERS, MultiToSingleDimensionPartitionMapping()),
        (WEEKS, GRID, MultiToSingleDimensionPartitionMapping()),
        (DynamicPartitionsDefinition("q"), DynamicPartitionsDefinition("q"), IdentityPartitionMapping()),
        (
            MultiPartitionsDefinition({"d": DAYS, "l": LETTERS}),
            MultiPartitionsDefinition({"d": HOURS, "l": LETTERS}),
            MultiPartitionMapping(
                {
                    "d": DimensionPartitionMapping("d", TimeWindowPartitionMapping()),
                    "l": DimensionPartitionMapping("l", IdentityPartitionMapping()),
                }
            ),
        ),
    ],
)
def test_an_edge_without_a_mapping_gets_the_one_that_fits(up, down, expected):
    assert default_partition_mapping(up, down) == expected
    assert mapping_problem(up, down) is None


@pytest.mark.parametrize(
    ("up", "down"),
    [
        (LETTERS, DAYS),
        (LETTERS, StaticPartitionsDefinition(["x"])),
        (DynamicPartitionsDefinition("q"), DynamicPartitionsDefinition("r")),
        (GRID, StaticPartitionsDefinition(["x"])),
        (MultiPartitionsDefinition({"l": LETTERS, "m": LETTERS}), LETTERS),
        (GRID, MultiPartitionsDefinition({"other": LETTERS})),
    ],
)
def test_definitions_that_share_no_keys_are_a_mismatch(up, down):
    problem = mapping_problem(up, down)
    assert problem.startswith("Partitions do not match: upstream is")
    assert "partition_mapping" in problem


def test_a_mapping_that_does_not_fit_is_told():
    assert "downstream is 3 static keys" in mapping_problem(DAYS, LETTERS, TimeWindowPartitionMapping())
    assert "downstream no partitions" in mapping_problem(DAYS, None, IdentityPartitionMapping())
    misnamed = MultiPartitionMapping({"leter": DimensionPartitionMapping("letter", IdentityPartitionMapping())})
    assert 'Did you mean "letter"' in mapping_problem(GRID, GRID, misnamed)
    assert "Did you mean" in mapping_problem(GRID, LETTERS, MultiToSingleDimensionPartitionMapping("leter"))


class EveryOther(PartitionMapping):
    def get_upstream_mapped_partitions_result_for_partitions(
        self,
        downstream_partitions_subset,
        downstream_partitions_def,
        upstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        keys = upstream_partitions_def.get_partition_keys(current_time)[::2]
        found = upstream_partitions_def.subset_with_partition_keys(keys)
        return UpstreamPartitionsResult(found, upstream_partitions_def.empty_subset())

    def get_downstream_partitions_for_partitions(
        self,
        upstream_partitions_subset,
        upstream_partitions_def,
        downstream_partitions_def,
        current_time=None,
        dynamic_partitions_store=None,
    ):
        return downstream_partitions_def.subset_with_all_partitions(current_time)


def test_a_mapping_of_ones_own_needs_only_the_two_directions():
    assert upstream(EveryOther(), ["2024-01-01"], DAYS, LETTERS) == (["a", "c"], [])
    assert mapping_problem(LETTERS, DAYS, EveryOther()) is None


def test_a_million_hours_are_mapped_at_once():
    hours = HourlyPartitionsDefinition("1910-01-01", timezone="America/New_York")
    days = DailyPartitionsDefinition("1910-01-01", timezone="America/New_York")
    found = TimeWindowPartitionMapping().upstream_of(days.subset_with_all_partitions(MARCH), hours, MARCH)
    assert len(found.partitions_subset) > 1_000_000
    assert TimeWindowPartitionMapping().downstream_of(found.partitions_subset, days, MARCH) == (
        days.subset_with_all_partitions(MARCH)
    )
