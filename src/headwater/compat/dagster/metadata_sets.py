"""Sets of metadata under Dagster's prefix: what is written as "dagster/row_count" is read as such."""

from __future__ import annotations

from typing import ClassVar

from headwater.model import metadata_sets

DAGSTER_NAMESPACE = "dagster"


class TableMetadataSet(metadata_sets.TableMetadataSet):
    """As Headwater's, with keys that begin with "dagster/"; Headwater reads both."""

    __slots__ = ()
    _namespace: ClassVar[str] = DAGSTER_NAMESPACE


class CodeReferencesMetadataSet(metadata_sets.CodeReferencesMetadataSet):
    """As Headwater's, with keys that begin with "dagster/"; Headwater reads both."""

    __slots__ = ()
    _namespace: ClassVar[str] = DAGSTER_NAMESPACE
