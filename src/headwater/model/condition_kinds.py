"""The kinds of automation conditions: what each is called, and of how many others it is made."""

from __future__ import annotations

from collections.abc import Mapping

# What a condition can be, by how many conditions it is made of (None: one or more).
OPERANDS_BY_KIND: Mapping[str, int | None] = {
    "and": None,
    "or": None,
    "not": 1,
    "since": 2,
    "newly_true": 1,
    "any_deps_match": 1,
    "all_deps_match": 1,
    "any_checks_match": 1,
    "all_checks_match": 1,
    "asset_matches": 1,
    **dict.fromkeys(
        (
            "all_new_updates_have_run_tags",
            "any_downstream_conditions",
            "any_new_update_has_run_tags",
            "backfill_in_progress",
            "check_failed",
            "check_passed",
            "code_version_changed",
            "cron_tick_passed",
            "data_version_changed",
            "executed_with_root_target",
            "executed_with_tags",
            "execution_failed",
            "freshness_failed",
            "freshness_passed",
            "freshness_warned",
            "in_latest_time_window",
            "initial_evaluation",
            "missing",
            "newly_requested",
            "newly_updated",
            "run_in_progress",
            "will_be_requested",
        ),
        0,
    ),
}
# The kind of a condition that a user wrote: it may be made of any number.
CUSTOM = "custom"
# These put their operand to other assets or to checks.
LOOKS_UP = frozenset({"any_deps_match", "all_deps_match", "any_checks_match", "all_checks_match"})
