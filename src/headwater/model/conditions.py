"""Automation conditions: when an asset should be built, as an expression tree that is data and nothing else.

A tree is compared, stored, drawn and explained by its `kind`s; what each kind is worth at a moment is computed
elsewhere. A subclass says so itself, with `evaluate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from copy import copy
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Generic

from headwater.model.condition_kinds import CUSTOM, LOOKS_UP, OPERANDS_BY_KIND
from headwater.model.cron import checked_cron, checked_timezone
from headwater.model.errors import CheckError, did_you_mean
from headwater.model.keys import AssetCheckKey, AssetKey, CoercibleToAssetKey

if TYPE_CHECKING:
    # A bare AutomationCondition means one of either; before Python 3.13 only this TypeVar knows defaults.
    from typing_extensions import TypeVar

    T_EntityKey = TypeVar("T_EntityKey", bound=AssetKey | AssetCheckKey, default=Any)
else:
    from typing import TypeVar

    T_EntityKey = TypeVar("T_EntityKey")

Parameter = str | bool | float | tuple[str, ...] | tuple[tuple[str, str], ...] | None


class AutomationCondition(Generic[T_EntityKey]):
    """When an asset (or each of its partitions) should be built. Combine what the factories give with `&`, `|`, `~`.

    `kind` names what it means, `parameters` are sorted pairs, `children` the conditions that it is made of. Frozen,
    hashable, equal when written alike. For a condition of your own subclass it and define `evaluate(self, context)`,
    which gets an AutomationContext and returns an AutomationResult.
    """

    kind: str = CUSTOM
    children: tuple[AutomationCondition[Any], ...] = ()
    parameters: tuple[tuple[str, Parameter], ...] = ()
    label: str | None = None

    def __init__(
        self,
        kind: str = CUSTOM,
        children: tuple[AutomationCondition[Any], ...] = (),
        parameters: tuple[tuple[str, Parameter], ...] = (),
        label: str | None = None,
    ) -> None:
        # What a subclass leaves as it is stays out of the instance, so that it may define it as a property.
        given = {"kind": kind, "children": children, "parameters": parameters, "label": label}
        for name, value in given.items():
            if value != getattr(AutomationCondition, name):
                object.__setattr__(self, name, value)
        if type(self) is AutomationCondition:
            self._check_form()

    def _check_form(self) -> None:
        if self.kind not in OPERANDS_BY_KIND:
            raise CheckError(
                what=f'There is no automation condition of the kind "{self.kind}".',
                why="Nothing could say whether it holds.",
                fix=did_you_mean(self.kind, OPERANDS_BY_KIND),
            )
        wanted = OPERANDS_BY_KIND[self.kind]
        if not all(isinstance(child, AutomationCondition) for child in self.children) or (
            not self.children if wanted is None else len(self.children) != wanted
        ):
            raise CheckError(
                what=f'A condition of the kind "{self.kind}" was given {list(self.children)!r}.',
                why=f"It is made of {'conditions' if wanted is None else f'{wanted} other condition(s)'}.",
                fix="Give what the methods of AutomationCondition return.",
            )

    def __setattr__(self, name: str, value: object) -> None:
        if type(self) is AutomationCondition:
            raise AttributeError(f"AutomationCondition is frozen; make a new one instead of setting {name!r}.")
        object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __hash__(self) -> int:
        return hash((type(self), self.kind, self.children, self.parameters, self.label))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self}>"

    def evaluate(self, context: Any) -> Any:
        """Return what it is worth now: an AutomationResult whose set lies within `context.candidate_subset`.

        A subclass defines it; it may be `async`. One of its own children it asks with
        `context.for_child_condition(child, child_indices=[0], candidate_subset=...).evaluate()`.
        """
        return context.evaluate_declared()

    # ------------------------------------------------------------------------------------------------------ composites

    @staticmethod
    def eager() -> AutomationCondition:
        """Build when an upstream was updated or this is newly missing; wait for upstreams that are missing or running.

        Of a time-partitioned asset, only the latest partition.
        """
        return _eager()

    @staticmethod
    def on_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """Build once for each tick, as soon as all upstreams were updated after it.

        Of a time-partitioned asset, only the latest partition. Raises InvalidCronError, UnknownTimezoneError.
        """
        made = AutomationCondition
        return _all_of(
            made.in_latest_time_window(),
            made.cron_tick_passed(cron_schedule, cron_timezone).since_last_handled(),
            made.all_deps_updated_since_cron(cron_schedule, cron_timezone),
            label=f"on_cron({cron_schedule}, {cron_timezone})",
        )

    @staticmethod
    def on_missing() -> AutomationCondition:
        """Build what became missing, once no upstream is missing. Of time partitions, only the latest."""
        made = AutomationCondition
        return _all_of(
            made.in_latest_time_window(),
            made.missing().newly_true().since_last_handled().with_label("missing_since_last_handled"),
            ~made.any_deps_missing(),
            label="on_missing",
        )

    @staticmethod
    def any_downstream_conditions() -> AutomationCondition:
        """True when the condition of something downstream would hold for this asset: it builds what that will need."""
        return AutomationCondition("any_downstream_conditions")

    # ---------------------------------------------------------------------------------------------------- of the asset

    @staticmethod
    def missing() -> AutomationCondition:
        """True while it was never built (or observed)."""
        return AutomationCondition("missing")

    @staticmethod
    def newly_missing() -> AutomationCondition:
        """True when it is missing and was not at the evaluation before."""
        return AutomationCondition.missing().newly_true().with_label("newly_missing")

    @staticmethod
    def in_progress() -> AutomationCondition:
        """True while a run or a backfill is building it."""
        made = AutomationCondition
        return (made.run_in_progress() | made.backfill_in_progress()).with_label("in_progress")

    @staticmethod
    def run_in_progress() -> AutomationCondition:
        """True while a run is building it."""
        return AutomationCondition("run_in_progress")

    @staticmethod
    def backfill_in_progress() -> AutomationCondition:
        """True while a backfill that is not finished has it in its target."""
        return AutomationCondition("backfill_in_progress")

    @staticmethod
    def execution_failed() -> AutomationCondition:
        """True when the last attempt to build it failed."""
        return AutomationCondition("execution_failed")

    @staticmethod
    def newly_updated() -> AutomationCondition:
        """True when it was built since the evaluation before; an observable source when its data version changed."""
        return AutomationCondition("newly_updated")

    @staticmethod
    def newly_requested() -> AutomationCondition:
        """True when the evaluation before asked for it."""
        return AutomationCondition("newly_requested")

    @staticmethod
    def code_version_changed() -> AutomationCondition:
        """True when its code version is another than at the evaluation before."""
        return AutomationCondition("code_version_changed")

    @staticmethod
    def data_version_changed() -> AutomationCondition:
        """True when its data version is another than at the evaluation before."""
        return AutomationCondition("data_version_changed")

    @staticmethod
    def cron_tick_passed(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """True when the schedule was due since the evaluation before. Raises InvalidCronError, UnknownTimezoneError."""
        checked_cron(cron_schedule, "an automation condition")
        checked_timezone(cron_timezone, "An automation condition")
        return AutomationCondition(
            "cron_tick_passed", parameters=(("cron_schedule", cron_schedule), ("cron_timezone", cron_timezone))
        )

    @staticmethod
    def in_latest_time_window(lookback_delta: timedelta | None = None) -> AutomationCondition:
        """True for the latest time partition, or those within `lookback_delta` of its end; for other assets always."""
        if lookback_delta is None:
            return AutomationCondition("in_latest_time_window")
        return AutomationCondition(
            "in_latest_time_window", parameters=(("lookback_seconds", lookback_delta.total_seconds()),)
        )

    @staticmethod
    def will_be_requested() -> AutomationCondition:
        """True when this very evaluation asks for it."""
        return AutomationCondition("will_be_requested")

    @staticmethod
    def initial_evaluation() -> AutomationCondition:
        """True the first time that the condition of this asset is evaluated."""
        return AutomationCondition("initial_evaluation")

    @staticmethod
    def executed_with_root_target() -> AutomationCondition:
        """True when the run that built it last built the asset whose condition this is, too."""
        return AutomationCondition("executed_with_root_target")

    @staticmethod
    def executed_with_tags(
        *, tag_keys: Set[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """True when the run that built it last has all of these tags."""
        return _of_tags("executed_with_tags", tag_keys, tag_values)

    @staticmethod
    def any_new_update_has_run_tags(
        *, tag_keys: Set[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """True when, of the runs that built it since the evaluation before, at least one has all of these tags."""
        return _of_tags("any_new_update_has_run_tags", tag_keys, tag_values)

    @staticmethod
    def all_new_updates_have_run_tags(
        *, tag_keys: Set[str] | None = None, tag_values: Mapping[str, str] | None = None
    ) -> AutomationCondition:
        """True when it was built since the evaluation before, and each run that did has all of these tags."""
        return _of_tags("all_new_updates_have_run_tags", tag_keys, tag_values)

    @staticmethod
    def freshness_passed() -> AutomationCondition:
        """True while it meets its freshness policy."""
        return AutomationCondition("freshness_passed")

    @staticmethod
    def freshness_warned() -> AutomationCondition:
        """True while its freshness policy warns."""
        return AutomationCondition("freshness_warned")

    @staticmethod
    def freshness_failed() -> AutomationCondition:
        """True while it fails its freshness policy."""
        return AutomationCondition("freshness_failed")

    # ---------------------------------------------------------------------------------------------- of what is upstream

    @staticmethod
    def asset_matches(key: CoercibleToAssetKey, condition: AutomationCondition) -> AutomationCondition:
        """True when the condition holds for another asset."""
        named = str(AssetKey.from_coercible(key))
        return AutomationCondition("asset_matches", (condition,), (("asset", named),))

    @staticmethod
    def any_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """True when the condition holds for at least one partition of at least one upstream asset."""
        return AutomationCondition("any_deps_match", (condition,))

    @staticmethod
    def all_deps_match(condition: AutomationCondition) -> AutomationCondition:
        """True when the condition holds for at least one partition of each upstream asset."""
        return AutomationCondition("all_deps_match", (condition,))

    @staticmethod
    def any_deps_missing() -> AutomationCondition:
        """True while an upstream is missing and this evaluation does not ask for it."""
        made = AutomationCondition
        return made.any_deps_match(made.missing() & ~made.will_be_requested()).with_label("any_deps_missing")

    @staticmethod
    def any_deps_in_progress() -> AutomationCondition:
        """True while an upstream is being built."""
        made = AutomationCondition
        return made.any_deps_match(made.in_progress()).with_label("any_deps_in_progress")

    @staticmethod
    def any_deps_updated() -> AutomationCondition:
        """True when an upstream was updated, by a run that did not build this one too, or is asked for right now."""
        made = AutomationCondition
        updated = (made.newly_updated() & ~made.executed_with_root_target()).with_label("newly_updated_without_root")
        return made.any_deps_match(_any_of(updated, made.will_be_requested())).with_label("any_deps_updated")

    @staticmethod
    def all_deps_updated_since_cron(cron_schedule: str, cron_timezone: str = "UTC") -> AutomationCondition:
        """True when each upstream was updated after the last tick, or is asked for right now."""
        made = AutomationCondition
        updated = made.newly_updated().since(made.cron_tick_passed(cron_schedule, cron_timezone))
        return made.all_deps_match(updated | made.will_be_requested()).with_label(
            f"all_deps_updated_since_cron({cron_schedule}, {cron_timezone})"
        )

    @staticmethod
    def all_deps_blocking_checks_passed() -> AutomationCondition:
        """True when every blocking check of each upstream passed, or is asked for right now."""
        made = AutomationCondition
        passed = made.all_checks_match(made.check_passed() | made.will_be_requested(), blocking_only=True)
        return made.all_deps_match(passed.with_label("all_blocking_checks_passed")).with_label(
            "all_deps_blocking_checks_passed"
        )

    # -------------------------------------------------------------------------------------------------------- of checks

    @staticmethod
    def any_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """True when the condition holds for at least one check of the asset."""
        return AutomationCondition("any_checks_match", (condition,), (("blocking_only", blocking_only),))

    @staticmethod
    def all_checks_match(condition: AutomationCondition, blocking_only: bool = False) -> AutomationCondition:
        """True when the condition holds for each check of the asset."""
        return AutomationCondition("all_checks_match", (condition,), (("blocking_only", blocking_only),))

    @staticmethod
    def check_passed() -> AutomationCondition:
        """Of a check: true when it passed last."""
        return AutomationCondition("check_passed")

    @staticmethod
    def check_failed() -> AutomationCondition:
        """Of a check: true when it did not pass last."""
        return AutomationCondition("check_failed")

    # ------------------------------------------------------------------------------------------------------- combining

    def __and__(self, other: AutomationCondition) -> AutomationCondition:
        return _combined("and", self, other)

    def __or__(self, other: AutomationCondition) -> AutomationCondition:
        return _combined("or", self, other)

    def __invert__(self) -> AutomationCondition:
        return AutomationCondition("not", (self,))

    def newly_true(self) -> AutomationCondition:
        """True when this holds and did not at the evaluation before."""
        return AutomationCondition("newly_true", (self,))

    def since(self, reset_condition: AutomationCondition) -> AutomationCondition:
        """True from when this held until `reset_condition` holds."""
        return AutomationCondition("since", (self, reset_condition))

    def since_last_handled(self) -> AutomationCondition:
        """True from when this held until the asset is asked for or updated."""
        made = AutomationCondition
        handled = _any_of(made.newly_requested(), made.newly_updated(), made.initial_evaluation())
        return self.since(handled.with_label("handled"))

    def with_label(self, label: str | None) -> AutomationCondition:
        """Return the same condition under a name of its own; names are shown, and `replace` finds by them."""
        return self._changed(label=label)

    def allow(self, selection: Any) -> AutomationCondition:
        """Return this with every question to upstream assets (or checks) put only to those that are selected.

        Allowing twice allows what either selects.
        """
        return self._narrowed("allow", selection)

    def ignore(self, selection: Any) -> AutomationCondition:
        """Return this with every question to upstream assets (or checks) not put to those that are selected."""
        return self._narrowed("ignore", selection)

    def _narrowed(self, how: str, selection: Any) -> AutomationCondition:
        text = _selection_text(how, selection)

        def narrowed(condition: AutomationCondition) -> AutomationCondition:
            if condition.kind in LOOKS_UP:
                known = condition.parameter(how)
                joined = text if known is None else f"({known}) or ({text})"
                parameters = {**dict(condition.parameters), how: joined}
                return condition._changed(parameters=tuple(sorted(parameters.items())))
            return condition._with_children(narrowed)

        return narrowed(self)

    def replace(self, old: AutomationCondition | str, new: AutomationCondition) -> AutomationCondition:
        """Return this with `old` (a condition, or the label or name of some) replaced by `new` wherever it occurs."""
        if old == self or (isinstance(old, str) and old in (self.label, self.name)):
            return new
        return self._with_children(lambda child: child.replace(old, new))

    def without(self, condition: AutomationCondition) -> AutomationCondition:
        """Return this "and" without one of its operands. Raises CheckError if that is not among them."""
        rest = tuple(child for child in self.children if child != condition)
        if self.kind != "and" or len(rest) == len(self.children):
            raise CheckError(
                what=f"{condition} was to be taken out of {self.label or self}, which has no such operand.",
                why="Nothing would change.",
                fix=f"Its operands are: {', '.join(map(str, self.children)) or 'none'}.",
            )
        return rest[0] if len(rest) == 1 else self._changed(children=rest)

    def _with_children(self, change: Callable[[AutomationCondition], AutomationCondition]) -> AutomationCondition:
        # What a condition of the user's is made of, only its author knows how to change.
        if not self.children or type(self) is not AutomationCondition:
            return self
        children = tuple(change(child) for child in self.children)
        return self if children == self.children else self._changed(children=children)

    def _changed(self, **changes: Any) -> AutomationCondition:
        made = copy(self)
        for name, value in changes.items():
            object.__setattr__(made, name, value)
        return made

    # --------------------------------------------------------------------------------------------------------- reading

    @property
    def name(self) -> str:
        """What it means and its parameters, such as "cron_tick_passed(cron_schedule=@daily, cron_timezone=UTC)".

        Of one that a user wrote: its class.
        """
        if type(self) is not AutomationCondition:
            return type(self).__name__
        shown = [(name, value) for name, value in self.parameters if value not in (None, False, ())]
        if not shown:
            return self.kind
        return f"{self.kind}({', '.join(f'{name}={_shown(value)}' for name, value in shown)})"

    def get_label(self) -> str | None:
        """Return the label that the condition was given, None when it has none."""
        return self.label

    def parameter(self, name: str) -> Parameter:
        """Return one parameter, None when it has no such one."""
        return dict(self.parameters).get(name)

    def walk(self) -> Iterator[AutomationCondition]:
        """Yield this and everything that it is made of, each before its parts."""
        yield self
        for child in self.children:
            yield from child.walk()

    def __str__(self) -> str:
        if self.label is not None:
            return self.label
        if type(self) is not AutomationCondition:
            return self.name
        if self.kind == "not":
            return f"~{self.children[0]._as_operand()}"
        if self.kind in ("and", "or"):
            return f" {'&' if self.kind == 'and' else '|'} ".join(child._as_operand() for child in self.children)
        if self.kind == "since":
            return f"{self.children[0]._as_operand()}.since({self.children[1]})"
        if self.kind == "newly_true":
            return f"{self.children[0]._as_operand()}.newly_true()"
        inside = [str(child) for child in self.children]
        inside += [f"{name}={_shown(value)}" for name, value in self.parameters if value not in (None, False, ())]
        return f"{self.kind}({', '.join(inside)})"

    def _as_operand(self) -> str:
        return f"({self})" if self.kind in ("and", "or") and self.label is None else str(self)

    def to_data(self) -> dict[str, Any]:
        """Return the tree as plain JSON values, which `from_data` reads back; of a condition of your own, its class."""
        data: dict[str, Any] = {"kind": self.kind}
        if type(self) is not AutomationCondition:
            data |= {"class": f"{type(self).__module__}.{type(self).__qualname__}", "name": self.name}
        if self.label is not None:
            data["label"] = self.label
        if self.parameters:
            data["parameters"] = {name: _listed(value) for name, value in self.parameters}
        if self.children:
            data["children"] = [child.to_data() for child in self.children]
        return data

    @staticmethod
    def from_data(data: Mapping[str, Any]) -> AutomationCondition:
        """Return the tree that `to_data` wrote. Raises CheckError for a condition that a user wrote."""
        return AutomationCondition(
            data["kind"],
            tuple(AutomationCondition.from_data(child) for child in data.get("children", ())),
            tuple((name, _tupled(value)) for name, value in sorted(data.get("parameters", {}).items())),
            data.get("label"),
        )


@cache
def _eager() -> AutomationCondition:
    # One value for all assets, so that what is known of it is found once.
    made = AutomationCondition
    return _all_of(
        made.in_latest_time_window(),
        (made.newly_missing() | made.any_deps_updated()).since_last_handled(),
        ~made.any_deps_missing(),
        ~made.any_deps_in_progress(),
        ~made.in_progress(),
        label="eager",
    )


def _of_tags(kind: str, tag_keys: Set[str] | None, tag_values: Mapping[str, str] | None) -> AutomationCondition:
    names = ("tag_keys", tuple(sorted(tag_keys or ())))
    return AutomationCondition(kind, parameters=(names, ("tag_values", tuple(sorted((tag_values or {}).items())))))


def _all_of(*conditions: AutomationCondition, label: str | None = None) -> AutomationCondition:
    return AutomationCondition("and", conditions, label=label)


def _any_of(*conditions: AutomationCondition) -> AutomationCondition:
    return AutomationCondition("or", conditions)


def _combined(kind: str, first: AutomationCondition, second: AutomationCondition) -> AutomationCondition:
    """Operators of one kind are one list of operands, unless one of them has a label and so is a thing of its own."""

    def parts(condition: AutomationCondition) -> Iterable[AutomationCondition]:
        return condition.children if condition.kind == kind and condition.label is None else (condition,)

    if not isinstance(second, AutomationCondition):
        raise CheckError(
            what=f"{first} was combined with {second!r}.",
            why="That is no condition.",
            fix="Combine what the methods of AutomationCondition return.",
        )
    return AutomationCondition(kind, (*parts(first), *parts(second)))


def _selection_text(how: str, selection: Any) -> str:
    to_text = getattr(selection, "to_selection_str", None)
    if to_text is not None:
        return str(to_text())
    if isinstance(selection, str):
        return selection
    raise CheckError(
        what=f"{how}() was given {selection!r}.",
        why="It takes a selection of assets or checks.",
        fix=f'Write {how}(AssetSelection.assets("orders")).',
    )


def _shown(value: Parameter) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return "{" + ", ".join(item if isinstance(item, str) else ":".join(item) for item in value) + "}"


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
