"""What may start next: the lanes give what a plain list would, in the same order, and looking costs no more with a long queue."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings, strategies as st

from headwater.service.waiting import Demand, Limits, TagLimit, Waiting

HERE = Demand("here")


class PlainList:
    """The same rules, as one reads them: look at every item, in order, each time."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.items: dict[int, tuple[Demand, float, int]] = {}
        self.held: dict[int, Demand] = {}
        self.number = 0

    def add(self, item: int, demand: Demand, priority: float) -> None:
        self.number += 1
        self.items[item] = (demand, priority, self.number)

    def full(self, demand: Demand) -> list[str]:
        limits, held = self.limits, list(self.held.values())
        full: list[str] = []
        if limits.total is not None and len(held) + 1 > limits.total:
            full.append("total")
        here = limits.locations.get(demand.location)
        if here is not None and sum(each.location == demand.location for each in held) + 1 > here:
            full.append("location")
        if demand.pool is not None:
            limit = limits.pools.get(demand.pool, limits.default_pool)
            used = sum(each.slots for each in held if each.pool == demand.pool)
            if limit is not None and used + max(1, min(demand.slots, limit)) > limit:
                full.append("pool")
        for each in limits.tags:
            value = dict(demand.tags).get(each.key)
            if value is None or each.value not in (None, value):
                continue
            values = [dict(other.tags).get(each.key) for other in held]
            one_value = each.each_value or each.value is not None
            if sum(v is not None and (v == value or not one_value) for v in values) + 1 > each.limit:
                full.append("tag")
        return full

    def take_next(self) -> int | None:
        share = [demand.label for demand in self.held.values()]
        # Among those of one kind the first of its priority stands for all of them.
        order = sorted(
            self.items,
            key=lambda item: (-self.items[item][1], share.count(self.items[item][0].label), self.items[item][2]),
        )
        saved: set[str] = set()
        for item in order:
            demand = self.items[item][0]
            if demand.pool is not None and demand.pool in saved:
                continue
            full = self.full(demand)
            if full == ["pool"] and demand.slots > 1 and demand.pool is not None:
                saved.add(demand.pool)
            if not full:
                del self.items[item]
                self.held[item] = demand
                return item
        return None


demands = st.builds(
    Demand,
    location=st.sampled_from(("here", "there")),
    pool=st.sampled_from((None, "db", "api")),
    slots=st.integers(1, 3),
    tags=st.sampled_from(((), (("kind", "red"),), (("kind", "blue"),), (("kind", "red"), ("day", "1")))),
    label=st.sampled_from(("", "one", "two")),
)
limits_drawn = st.builds(
    Limits,
    total=st.none() | st.integers(0, 4),
    locations=st.dictionaries(st.just("here"), st.integers(0, 3)),
    pools=st.dictionaries(st.sampled_from(("db", "api")), st.integers(0, 3)),
    default_pool=st.none() | st.integers(1, 2),
    tags=st.lists(
        st.sampled_from(
            (
                TagLimit("kind", 1),
                TagLimit("kind", 2, each_value=True),
                TagLimit("kind", 1, value="red"),
                TagLimit("day", 1),
            )
        ),
        max_size=3,
        unique=True,
    ).map(tuple),
)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("add"), demands, st.sampled_from((0.0, 0.0, 1.0, -1.0))),
        st.tuples(st.just("take")),
        st.tuples(st.just("take")),
        st.tuples(st.just("release"), st.integers(0, 40)),
        st.tuples(st.just("remove"), st.integers(0, 40)),
        st.tuples(st.just("limits"), limits_drawn),
        st.tuples(st.just("move"), st.integers(0, 40), demands),
    ),
    max_size=40,
)


@given(limits_drawn, steps)
@settings(max_examples=150, deadline=None)
def test_it_gives_what_a_plain_list_would(limits: Limits, did: list[tuple[object, ...]]) -> None:
    waiting: Waiting[int] = Waiting(limits)
    plain = PlainList(limits)
    for number, (what, *rest) in enumerate(did):
        match what, rest:
            case "add", [Demand() as demand, float(priority)]:
                waiting.add(number, demand, priority)
                plain.add(number, demand, priority)
            case "take", []:
                assert waiting.take_next() == plain.take_next()
            case "release", [int(at)] if plain.held:
                item = sorted(plain.held)[at % len(plain.held)]
                waiting.release(item)
                del plain.held[item]
            case "remove", [int(at)] if plain.items:
                item = sorted(plain.items)[at % len(plain.items)]
                assert waiting.remove(item)
                del plain.items[item]
            case "limits", [Limits() as changed]:
                waiting.set_limits(changed)
                plain.limits = changed
            case "move", [int(at), Demand() as demand] if plain.items:
                item = sorted(plain.items)[at % len(plain.items)]
                waiting.move(item, demand)
                plain.items[item] = (demand, *plain.items[item][1:])
        assert len(waiting) == len(plain.items)
        assert dict(waiting.held) == plain.held
        in_order = sorted(plain.items, key=lambda item: (-plain.items[item][1], plain.items[item][2]))
        assert [item for item, _, _ in waiting.waiting()] == in_order
    for item in list(plain.held):
        waiting.release(item)
    assert not waiting.used()


@given(limits_drawn, st.lists(demands, max_size=12))
@settings(max_examples=100, deadline=None)
def test_what_is_left_has_a_reason(limits: Limits, wanted: list[Demand]) -> None:
    waiting: Waiting[int] = Waiting(limits)
    for item, demand in enumerate(wanted):
        waiting.add(item, demand)
    while waiting.take_next() is not None:
        pass
    assert all(waiting.reason(item) is not None for item, _, _ in waiting.waiting())


def test_what_is_set_aside_holds_up_nothing_and_keeps_its_place() -> None:
    waiting: Waiting[str] = Waiting(Limits(total=1))
    for item in ("first", "second", "third"):
        waiting.add(item, HERE)
    assert waiting.take_next(is_held_up=lambda item: item == "first") == "second"
    assert [item for item, _, _ in waiting.waiting()] == ["first", "third"]
    waiting.release("second")
    waiting.put_back("first")
    assert waiting.take_next() == "first"


def test_a_heavy_item_is_not_overtaken_for_ever() -> None:
    waiting: Waiting[str] = Waiting(Limits(pools={"db": 2}))
    waiting.add("light", Demand("here", pool="db"))
    assert waiting.take_next() == "light"
    waiting.add("heavy", Demand("here", pool="db", slots=2))
    waiting.add("late", Demand("here", pool="db"))
    waiting.add("other", Demand("here", pool="api"))
    assert waiting.take_next() == "other"
    assert waiting.take_next() is None
    assert waiting.reason("heavy") == 'a slot of the pool "db": 1 of 2 taken, 2 needed'
    assert waiting.reason("late") == 'a slot of the pool "db": 1 of 2 taken, the rest is kept for what needs 2'
    waiting.release("light")
    assert waiting.take_next() == "heavy"


def test_a_heavy_item_that_waits_for_something_else_keeps_no_slots() -> None:
    waiting: Waiting[str] = Waiting(Limits(pools={"db": 2}, tags=(TagLimit("kind", 0),)))
    waiting.add("heavy", Demand("here", pool="db", slots=2, tags=(("kind", "red"),)))
    waiting.add("light", Demand("here", pool="db"))
    assert waiting.take_next() == "light"
    assert waiting.reason("heavy") == 'a slot of the pool "db": 1 of 2 taken, 2 needed'


def test_more_slots_than_there_are_need_the_pool_alone() -> None:
    waiting: Waiting[str] = Waiting(Limits(pools={"db": 2}))
    waiting.add("huge", Demand("here", pool="db", slots=9))
    assert waiting.take_next() == "huge"
    waiting.add("light", Demand("here", pool="db"))
    assert waiting.take_next() is None


def test_two_limits_of_one_tag_count_an_item_once_each() -> None:
    tags = (TagLimit("kind", 3, each_value=True), TagLimit("kind", 2, value="red"))
    waiting: Waiting[int] = Waiting(Limits(tags=tags))
    for item in range(4):
        waiting.add(item, Demand("here", tags=(("kind", "red"),)))
    assert [waiting.take_next() for _ in range(3)] == [0, 1, None]


def test_the_label_with_the_least_share_goes_first_among_equals() -> None:
    waiting: Waiting[str] = Waiting(Limits())
    for item in ("a1", "a2", "b1"):
        waiting.add(item, Demand("here", label=item[0]))
    assert [waiting.take_next() for _ in range(3)] == ["a1", "b1", "a2"]


def test_tags_of_which_no_limit_speaks_make_no_lanes() -> None:
    waiting: Waiting[int] = Waiting(Limits(tags=(TagLimit("kind", 5, each_value=True),)))
    for item in range(1_000):
        waiting.add(item, Demand("here", tags=(("day", str(item)), ("kind", "red" if item % 2 else "blue"))))
    assert len(list(waiting.lanes())) == 2


def count_of_questions(items: int) -> int:
    """Return how often `take_next` looks at something while it gives 200 items of this many, half of which stay blocked."""
    waiting: Waiting[int] = Waiting(Limits(pools={"shut": 0}))
    for item in range(items):
        waiting.add(item, Demand("here", pool="shut" if item % 2 else f"p{item % 8}"), priority=float(item % 2))
    looked = 0

    def counted(method: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal looked
            looked += 1
            return method(*arguments)

        return call

    waiting._full = counted(waiting._full)  # type: ignore[method-assign,assignment]
    waiting._clean = counted(waiting._clean)  # type: ignore[method-assign,assignment]
    for _ in range(200):
        assert waiting.take_next() is not None
    return looked


def test_a_hundred_thousand_items_cost_what_a_thousand_do() -> None:
    assert count_of_questions(100_000) == count_of_questions(1_000)
