"""Names that programs import from Dagster's private modules, because its public ones do not give them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from headwater.authoring.asset_job import UnresolvedAssetJobDefinition as UnresolvedAssetJobDefinition
from headwater.compat.dagster.standard_names import BetaWarning, PreviewWarning, SupersessionWarning
from headwater.model.keys import (
    CoercibleToAssetKey as CoercibleToAssetKey,
    CoercibleToAssetKeyPrefix as CoercibleToAssetKeyPrefix,
)
from headwater.model.metadata import RawMetadataValue as RawMetadataValue

# The keys of tags, as programs for Dagster spell them; tags are found under this spelling and under ours.
SYSTEM_TAG_PREFIX = "dagster/"
_AFTER_THE_PREFIX = {
    "ASSET_PARTITION_RANGE_END_TAG": "asset_partition_range_end",
    "ASSET_PARTITION_RANGE_START_TAG": "asset_partition_range_start",
    "AUTOMATION_CONDITION_TAG": "from_automation_condition",
    "BACKFILL_ID_TAG": "backfill",
    "CODE_VERSION_TAG": "code_version",
    "COMPUTE_KIND_TAG": "compute_kind",
    "DATA_VERSION_TAG": "data_version",
    "GLOBAL_CONCURRENCY_TAG": "concurrency_key",
    "INPUT_DATA_VERSION_TAG_PREFIX": "input_data_version",
    "KIND_PREFIX": "kind/",
    "MAX_RETRIES_TAG": "max_retries",
    "MAX_RUNTIME_SECONDS_TAG": "max_runtime",
    "MULTIDIMENSIONAL_PARTITION_PREFIX": "partition/",
    "PARENT_RUN_ID_TAG": "parent_run_id",
    "PARTITION_NAME_TAG": "partition",
    "PARTITION_SET_TAG": "partition_set",
    "PRIORITY_TAG": "priority",
    "RESUME_RETRY_TAG": "is_resume_retry",
    "RETRY_NUMBER_TAG": "retry_number",
    "RETRY_ON_ASSET_OR_OP_FAILURE_TAG": "retry_on_asset_or_op_failure",
    "RETRY_STRATEGY_TAG": "retry_strategy",
    "ROOT_RUN_ID_TAG": "root_run_id",
    "RUN_KEY_TAG": "run_key",
    "SCHEDULE_NAME_TAG": "schedule_name",
    "SENSOR_NAME_TAG": "sensor_name",
    "STEP_SELECTION_TAG": "step_selection",
    "TICK_ID_TAG": "tick",
}
globals().update({name: SYSTEM_TAG_PREFIX + rest for name, rest in _AFTER_THE_PREFIX.items()})


@contextlib.contextmanager
def suppress_dagster_warnings() -> Iterator[None]:
    """Keep warnings of what is in preview, in beta or superseded from being shown in this block."""
    with warnings.catch_warnings():
        for category in (BetaWarning, PreviewWarning, SupersessionWarning):
            warnings.simplefilter("ignore", category=category)
        yield


GIVEN = frozenset(
    {
        *_AFTER_THE_PREFIX,
        "CoercibleToAssetKey",
        "CoercibleToAssetKeyPrefix",
        "RawMetadataValue",
        "SYSTEM_TAG_PREFIX",
        "UnresolvedAssetJobDefinition",
        "suppress_dagster_warnings",
    }
)
"""What can be imported from any private module of Dagster's."""
