"""What holds for every mapping between any two definitions: its directions agree, sets are mapped part by part."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from headwater.model.partitions import (
    AllEarlierPartitionMapping,
    AllPartitionMapping,
    ChainedPartitionMapping,
    DailyPartitionsDefinition,
    DimensionPartitionMapping,
    HourlyPartitionsDefinition,
    IdentityPartitionMapping,
    LastNPartitionMapping,
    LastPartitionMapping,
    MonthlyPartitionsDefinition,
    MultiPartitionMapping,
    MultiPartitionsDefinition,
    MultiToSingleDimensionPartitionMapping,
    PartitionMapping,
    SpecificPartitionsPartitionMapping,
    StaticPartitionMapping,
    StaticPartitionsDefinition,
    TimeWindowPartitionMapping,
    TimeWindowPartitionsDefinition,
    UnionPartitionMapping,
    WeeklyPartitionsDefinition,
    default_partition_mapping,
    mapping_problem,
    order_mapping,
)
from tests.model.partitions.strategies import NOW, STORE, dynamics, statics, time_windows, zones

offsets = st.integers(-3, 3)
counts = st.integers(1, 5)
bounded = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


@st.composite
def few_windows(draw: st.DrawFn) -> TimeWindowPartitionsDefinition:
    """Windows around the change of clocks in autumn, few enough to be looked at one by one."""
    zone, end_offset = draw(zones), draw(st.integers(-1, 1))
    start = datetime(2023, 10, 28) + timedelta(hours=draw(st.integers(0, 240)))
    end = draw(st.none() | st.integers(1, 12).map(lambda days: start + timedelta(days=days)))
    late = max(start, datetime(2023, 12, 1))
    match draw(st.sampled_from(["hourly", "daily", "weekly", "monthly", "cron"])):
        case "hourly":
            first = datetime(2023, 11, 4, 20) + timedelta(hours=draw(st.integers(0, 6)))
            return HourlyPartitionsDefinition(first, first + timedelta(hours=20), timezone=zone)
        case "daily":
            skipped = draw(st.sampled_from([None, ["0 0 * * 1"], [datetime(2023, 12, 5)]]))
            return DailyPartitionsDefinition(late, end and late + (end - start), timezone=zone, exclusions=skipped)
        case "weekly":
            return WeeklyPartitionsDefinition(start, timezone=zone, end_offset=end_offset)
        case "monthly":
            begin = start - timedelta(days=200)
            return MonthlyPartitionsDefinition(begin, timezone=zone, end_offset=end_offset)
        case _:
            cron = draw(st.sampled_from(["0 0 * * 1-5", "30 6,18 * * *"]))
            return TimeWindowPartitionsDefinition(
                start=late, fmt="%Y-%m-%d-%H:%M", timezone=zone, cron_schedule=cron, end_offset=end_offset
            )


singles = statics | dynamics | few_windows()


@st.composite
def grids(draw: st.DrawFn) -> MultiPartitionsDefinition:
    names = draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4, unique=True))
    windows = draw(st.sampled_from(names) | st.none())
    small = st.lists(st.sampled_from("xyz"), min_size=1, max_size=3, unique=True).map(StaticPartitionsDefinition)
    return MultiPartitionsDefinition({name: draw(few_windows() if name == windows else small) for name in names})


class ByKey(PartitionMapping):
    """Written by a user, key by key, in one direction or both: what `told` says, by keys that are kept here."""

    def __init__(self, told, up, down, directions):
        self.told, self.up, self.down = told, up, down
        self.directions = directions


class UpByKey(ByKey):
    def upstream_keys_of(self, partition_key):
        return list(
            self.told.upstream_of(
                self.down.subset_with_partition_keys([partition_key]), self.up, NOW, STORE
            ).partitions_subset
        )


class DownByKey(ByKey):
    def downstream_keys_of(self, partition_key):
        found = self.told.downstream_of(self.up.subset_with_partition_keys([partition_key]), self.down, NOW, STORE)
        return iter(found)


class DownBySet(ByKey):
    def get_downstream_partitions_for_partitions(self, subset, up, down, current_time=None, store=None):
        return self.told.downstream_of(subset, down, current_time, store)


class UpBySet(ByKey):
    def get_upstream_mapped_partitions_result_for_partitions(self, subset, down, up, current_time=None, store=None):
        return self.told.upstream_of(subset, up, current_time, store)


@st.composite
def between_singles(draw: st.DrawFn, up=None, down=None):
    """A mapping that can join two definitions of one dimension."""
    up = up or draw(singles)
    down = down or draw(st.just(up) | singles)
    mappings = [st.just(AllPartitionMapping()), st.just(LastPartitionMapping())]
    if isinstance(up, TimeWindowPartitionsDefinition) and isinstance(down, TimeWindowPartitionsDefinition):
        mappings.append(st.builds(TimeWindowPartitionMapping, offsets, offsets, st.booleans()))
    if mapping_problem(up, down, AllEarlierPartitionMapping()) is None:
        mappings += [
            st.builds(AllEarlierPartitionMapping, st.booleans()),
            st.builds(LastNPartitionMapping, counts, st.booleans()),
        ] * 2
    if mapping_problem(up, down, IdentityPartitionMapping()) is None:
        mappings.append(st.just(IdentityPartitionMapping()))
    if isinstance(up, StaticPartitionsDefinition):
        mappings.append(st.just(SpecificPartitionsPartitionMapping(up.get_partition_keys()[:2])))
        if isinstance(down, StaticPartitionsDefinition):
            keys = st.lists(st.sampled_from(down.get_partition_keys()), unique=True, max_size=3)
            mappings.append(st.just(StaticPartitionMapping({key: draw(keys) for key in up.get_partition_keys()[:3]})))
    return up, down, draw(st.one_of(mappings))


@st.composite
def between_grids(draw: st.DrawFn):
    up, down = draw(grids()), draw(grids())
    if draw(st.booleans()):
        down = up
    chosen = {}
    others = list(down.partition_dimension_names)
    for name in up.partition_dimension_names:
        if others and draw(st.booleans()):
            other = others.pop(draw(st.integers(0, len(others) - 1)))
            _, _, mapping = draw(between_singles(up.defs_by_dimension[name], down.defs_by_dimension[other]))
            chosen[name] = DimensionPartitionMapping(other, mapping)
    return up, down, MultiPartitionMapping(chosen)


@st.composite
def between_grid_and_single(draw: st.DrawFn):
    grid = draw(grids())
    name = draw(st.sampled_from(grid.partition_dimension_names))
    single = grid.defs_by_dimension[name]
    mapping = MultiToSingleDimensionPartitionMapping(name)
    return (grid, single, mapping) if draw(st.booleans()) else (single, grid, mapping)


@st.composite
def by_default(draw: st.DrawFn):
    up, down = draw(singles | grids()), draw(singles | grids())
    mapping = default_partition_mapping(up, down)
    return up, down, mapping if mapping_problem(up, down, mapping) is None else AllPartitionMapping()


basic = between_singles() | between_grids() | between_grid_and_single() | by_default()


@st.composite
def joined(draw: st.DrawFn):
    """An upstream and a downstream definition, and a mapping of any kind that can join them."""
    up, down, mapping = draw(basic)
    match draw(st.sampled_from(["plain", "plain", "chained", "union", "own"])):
        case "chained":
            last = draw(singles)
            following = default_partition_mapping(down, last)
            if mapping_problem(down, last, following) is not None:
                following = LastPartitionMapping()
            return up, last, ChainedPartitionMapping(mapping, down, following)
        case "union":
            return up, down, mapping | LastPartitionMapping()
        case "own":
            kind = draw(st.sampled_from([UpByKey, DownByKey, DownBySet, UpBySet]))
            return up, down, kind(mapping, up, down, None)
    return up, down, mapping


def some_of(data, definition, most=4):
    keys = definition.get_partition_keys(NOW, STORE)
    chosen = data.draw(st.lists(st.sampled_from(keys), max_size=most, unique=True)) if keys else []
    return definition.subset_with_partition_keys(chosen)


@bounded
@given(joined(), st.data())
def test_a_partition_follows_from_what_it_needs_and_from_nothing_else(drawn, data):
    up, down, mapping = drawn
    assert mapping_problem(up, down, mapping) is None
    above, below = some_of(data, up), some_of(data, down)
    for y in below:
        needed = mapping.upstream_of(down.subset_with_partition_keys([y]), up, NOW, STORE).partitions_subset
        for x in above:
            following = mapping.downstream_of(up.subset_with_partition_keys([x]), down, NOW, STORE)
            assert (x in needed) == (y in following), (x, y)
        for x in list(needed)[:2]:
            assert y in mapping.downstream_of(up.subset_with_partition_keys([x]), down, NOW, STORE)
    for x in above:
        for y in list(mapping.downstream_of(up.subset_with_partition_keys([x]), down, NOW, STORE))[:2]:
            assert x in mapping.upstream_of(down.subset_with_partition_keys([y]), up, NOW, STORE).partitions_subset


@bounded
@given(joined(), st.data())
def test_unions_are_mapped_to_unions_and_nothing_to_nothing(drawn, data):
    up, down, mapping = drawn
    one, other = some_of(data, down), some_of(data, down)
    parts = [mapping.upstream_of(each, up, NOW, STORE) for each in (one, other, one | other)]
    assert parts[2].partitions_subset == parts[0].partitions_subset | parts[1].partitions_subset
    assert parts[2].required_but_nonexistent_subset == (
        parts[0].required_but_nonexistent_subset | parts[1].required_but_nonexistent_subset
    )
    first, second = some_of(data, up), some_of(data, up)
    below = [mapping.downstream_of(each, down, NOW, STORE) for each in (first, second, first | second)]
    assert below[2] == below[0] | below[1]
    assert mapping.upstream_of(down.empty_subset(), up, NOW, STORE).partitions_subset.is_empty
    assert mapping.downstream_of(up.empty_subset(), down, NOW, STORE).is_empty


@bounded
@given(joined(), st.data())
def test_nothing_is_given_that_does_not_exist(drawn, data):
    up, down, mapping = drawn
    everything = up.subset_with_all_partitions(NOW, STORE)
    for asked in (some_of(data, down), down.subset_with_all_partitions(NOW, STORE)):
        result = mapping.upstream_of(asked, up, NOW, STORE)
        assert result.partitions_subset <= everything
        assert result.required_but_nonexistent_subset.isdisjoint(everything)
    for asked in (some_of(data, up), everything):
        found = mapping.downstream_of(asked, down, NOW, STORE)
        assert found <= down.subset_with_all_partitions(NOW, STORE)


# Order, against what one would count by hand


def place_of(definition, key):
    """Return where a key begins and ends: an instant, or its position."""
    if isinstance(definition, TimeWindowPartitionsDefinition):
        window = definition.time_window_for_partition_key(key)
        return window.start.timestamp(), window.end.timestamp()
    position = list(definition.get_partition_keys(NOW, STORE)).index(key)
    return position, position + 1


@st.composite
def in_order(draw: st.DrawFn):
    if draw(st.booleans()):
        same = draw(singles)
        return same, same
    return draw(few_windows()), draw(few_windows())


@bounded
@given(in_order(), st.booleans(), st.integers(1, 8), st.data())
def test_what_comes_before_is_counted_as_by_hand(drawn, include_same, count, data):
    up, down = drawn
    above = up.get_partition_keys(NOW, STORE)
    wanted = some_of(data, down, most=6)
    earlier, last = set(), set()
    for key in wanted:
        start, end = place_of(down, key)
        before = [
            each for each in above if (place_of(up, each)[0] < end if include_same else place_of(up, each)[1] <= start)
        ]
        earlier |= set(before)
        last |= set(before[-count:])
    every = AllEarlierPartitionMapping(include_same).upstream_of(wanted, up, NOW, STORE).partitions_subset
    some = LastNPartitionMapping(count, include_same).upstream_of(wanted, up, NOW, STORE).partitions_subset
    assert set(every) == earlier
    assert set(some) == last


@bounded
@given(time_windows(), time_windows(), st.booleans(), st.integers(1, 400), st.data())
def test_many_windows_at_once_are_counted_as_one_by_one(up, down, include_same, count, data):
    mapping = LastNPartitionMapping(count, include_same)
    wanted = down.subset_with_all_partitions(NOW)
    if data.draw(st.booleans()):
        wanted = wanted - some_of(data, down, most=5)
    whole = mapping.upstream_of(wanted, up, NOW).partitions_subset
    one_by_one = up.empty_subset()
    for key in list(wanted)[:: max(1, len(wanted) // 60)]:
        one_by_one |= mapping.upstream_of(down.subset_with_partition_keys([key]), up, NOW).partitions_subset
    assert one_by_one <= whole
    for key in list(whole)[:: max(1, len(whole) // 20)]:
        following = mapping.downstream_of(up.subset_with_partition_keys([key]), down, NOW)
        assert not following.isdisjoint(wanted)
    assert whole == mapping.upstream_of(mapping.downstream_of(whole, down, NOW) & wanted, up, NOW).partitions_subset


@bounded
@given(st.booleans(), st.integers(1, 40), st.sets(st.integers(0, 59)), st.sets(st.integers(0, 59)), st.data())
def test_many_at_once_are_counted_over_gaps_as_one_by_one(include_same, count, chosen, left_out, data):
    """The way that is taken for many partitions gives what the way for a few does."""
    skipped = [datetime(2024, 1, 1) + timedelta(days=day) for day in left_out if day < 50]
    up = DailyPartitionsDefinition("2024-01-01", "2024-02-20", exclusions=skipped or None)
    down = DailyPartitionsDefinition(data.draw(st.sampled_from(["2023-12-20", "2024-01-05"])), "2024-02-29")
    below = down.get_partition_keys()
    wanted = down.subset_with_partition_keys([below[place % len(below)] for place in chosen])
    given_above = up.subset_with_all_partitions() - up.subset_with_partition_keys(
        [key for place, key in enumerate(up.get_partition_keys()) if place in chosen]
    )
    mapping = LastNPartitionMapping(count, include_same)
    with pytest.MonkeyPatch.context() as patch:
        few = (mapping.upstream_of(wanted, up).partitions_subset, mapping.downstream_of(given_above, down))
        patch.setattr(order_mapping, "_FEW", -1)
        many = (mapping.upstream_of(wanted, up).partitions_subset, mapping.downstream_of(given_above, down))
    assert few == many


def test_a_union_takes_in_the_mappings_of_unions():
    joined = IdentityPartitionMapping() | (LastPartitionMapping() | AllPartitionMapping())
    assert joined == UnionPartitionMapping([IdentityPartitionMapping(), LastPartitionMapping(), AllPartitionMapping()])
