"""What partitions were made from is read by the thousand, and says the same as one by one."""

from hypothesis import given, strategies as st

import headwater as hw
from headwater.model.events import AssetMaterialized, InputVersion
from headwater.model.provenance import (
    ProvenanceGroup,
    VersionColumn,
    group_of_rows,
    group_of_texts,
    provenance_of,
    provenance_texts,
    read_made_by,
    read_provenances,
)

DEPS = ("a", "b", "c")
words = st.one_of(st.sampled_from(["1", "x", '"', "\\", '","', "null", "]],[", "é", "\n"]), st.text(max_size=5))


@st.composite
def materializations(draw: st.DrawFn) -> list[AssetMaterialized]:
    known = draw(st.sets(st.sampled_from(DEPS)))
    is_listed = draw(st.booleans()) and "a" in known
    partitions = draw(st.lists(words, min_size=1, max_size=6, unique=True))
    return [
        AssetMaterialized(
            timestamp=1.0,
            asset="it",
            partition=partition,
            data_version=draw(words.filter(bool)),
            deps=DEPS,
            inputs=tuple(
                InputVersion(
                    dep, "other" if is_listed and dep == "a" else draw(st.sampled_from([None, partition])), draw(words)
                )
                for dep in DEPS
                if dep in known
            ),
        )
        for partition in partitions
    ]


def as_rows(group: ProvenanceGroup) -> list[object]:
    return [
        (partition, group.versions.values[place], group.read_versions(place))
        for place, partition in enumerate(group.partitions)
    ]


@given(materializations())
def test_the_texts_of_many_partitions_say_what_each_says(made: list[AssetMaterialized]) -> None:
    texts: dict[str, list[str]] = {}
    for event in made:
        made_by, text = provenance_texts(event)
        assert made_by is not None
        assert text is not None
        texts.setdefault(made_by, []).append(text)
    for made_by, of_group in texts.items():
        joined = ",".join(of_group)
        read = group_of_texts(made_by, joined)
        assert as_rows(read) == as_rows(group_of_rows(read_made_by(made_by), read_provenances(joined)))
        again = group_of_texts(made_by, joined)
        assert all(one.is_same(other) for one, other in zip(read.inputs, again.inputs, strict=True))
        for place in range(len(read.partitions)):
            assert as_rows(read.only([place])) == [as_rows(read)[place]]


@given(st.lists(words), st.lists(words))
def test_columns_are_the_same_when_their_versions_are(left: list[str], right: list[str]) -> None:
    is_plain = not any('"' in word for word in (*left, *right))
    if len(left) == len(right) and left and is_plain:
        as_texts = VersionColumn(text='"'.join(left)), VersionColumn(text='"'.join(right))
        assert as_texts[0].is_same(as_texts[1]) == (left == right)
        assert as_texts[0].is_same(VersionColumn(right)) == (left == right)
    for word in left:
        assert list(VersionColumn.repeated(word, 3).values) == [word] * 3


def test_a_partition_of_several_dimensions_is_recorded_as_text() -> None:
    key = hw.MultiPartitionKey({"day": "2024-01-01", "region": "n"})
    event = AssetMaterialized(timestamp=1.0, asset="it", partition=key, data_version="1", deps=())
    text = provenance_texts(event)[1]
    assert text == '["2024-01-01|n","1",[]]'
    found = provenance_of(event)
    assert found is not None
    assert found[1] == read_provenances(text)[0]
