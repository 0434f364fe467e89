"""Metadata keys with a meaning of their own."""

from __future__ import annotations

from headwater.model.code_references import LocalFileCodeReference
from headwater.model.metadata import normalize_metadata
from headwater.model.metadata_sets import CodeReferencesMetadataSet, TableMetadataSet
from headwater.model.tables import TableColumn, TableSchema

SCHEMA = TableSchema([TableColumn("a", "int")])


def test_a_set_can_be_spread_into_metadata_and_read_back():
    raw = {**TableMetadataSet(row_count=3, column_schema=SCHEMA), "note": "x"}
    assert list(raw) == ["headwater/column_schema", "headwater/row_count", "note"]
    for metadata in (raw, normalize_metadata(raw)):
        found = TableMetadataSet.extract(metadata)
        assert (found.row_count, found.column_schema, found.column_lineage) == (3, SCHEMA, None)


def test_keys_of_programs_written_for_dagster_are_read_too():
    assert TableMetadataSet.extract({"dagster/row_count": 3, "dagster/column_schema": SCHEMA}).row_count == 3


def test_code_references_are_a_set_of_their_own():
    reference = LocalFileCodeReference(file_path="a.py", line_number=3)
    raw = {**CodeReferencesMetadataSet(code_references=[reference])}
    for metadata in (raw, normalize_metadata(raw)):
        found = CodeReferencesMetadataSet.extract(metadata).code_references
        assert found is not None
        assert found.code_references == (reference,)
        assert reference.source == "a.py:3"
