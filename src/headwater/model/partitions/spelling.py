"""How people write sets of partitions, on the command line and in pages, and how sets are written for them.

    2024-01-05                           one key; whatever is a key by itself is that key
    2024-01-05...2024-01-31              from the first to the last, both included, in the order of the definition
    2024-01-05...                        from one on, to the last there is; ...2024-01-05 up to one
    a, b, d...f                          several of these together
    *                                    all there are

Of several dimensions (here "date" and "region", in order of name):

    2024-01-05|eu                        one key: a part for each dimension, in order of name
    2024-01-01...2024-01-31|*            each part may be a range, or all
    region=eu,us,date=2024-01-01...      dimensions by name, in any order; those that are not named are whole
    region=eu; region=us,date=2024-01-05   several of these together

A key that holds one of the marks is written in double quotes, with \\ before a quote that it holds: "a,b". What
`spelling_of` writes, `read_partitions` reads back to an equal set.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import TYPE_CHECKING, Any, NamedTuple

from headwater.model.errors.partition_spelling import (
    RangeWrongWayRoundError,
    UnknownDimensionError,
    UnreadablePartitionSpelling,
)
from headwater.model.errors.partitions import MissingDynamicPartitionsStoreError, UnknownPartitionError
from headwater.model.partitions.definition import DynamicPartitionsStore, PartitionsDefinition
from headwater.model.partitions.keys import DIMENSION_SEPARATOR, PartitionKeyRange
from headwater.model.partitions.multi import MultiPartitionsDefinition
from headwater.model.partitions.multi_subset import ProductPartitionsSubset
from headwater.model.partitions.static import RANGE_MARK
from headwater.model.partitions.subset import OrdinalPartitionsSubset, PartitionsSubset

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals

AND, OR, IS, ALL = ",", ";", "=", "*"
_MARKS = (AND, OR, IS, DIMENSION_SEPARATOR, RANGE_MARK)


def read_partitions(
    spelling: str | Iterable[str],
    definition: PartitionsDefinition[Any],
    current_time: datetime | None = None,
    dynamic_partitions_store: DynamicPartitionsStore | None = None,
) -> PartitionsSubset[Any]:
    """Return the set of existing partitions that a text, or each of several texts, names.

    Raises UnknownPartitionError for a key that does not exist, with the nearest; RangeWrongWayRoundError (one of those)
    for a range that ends before it starts; UnknownDimensionError; UnreadablePartitionSpelling for anything else.
    """
    texts = [spelling] if isinstance(spelling, str) else list(spelling)
    if not texts:
        raise UnreadablePartitionSpelling("", "it is empty", "Name at least one partition.")
    reader = _Reader(definition, current_time, dynamic_partitions_store)
    return reduce(lambda left, right: left | right, map(reader.read, texts))


def spelling_of(
    subset: PartitionsSubset[Any],
    current_time: datetime | None = None,
    dynamic_partitions_store: DynamicPartitionsStore | None = None,
) -> str:
    """Return the shortest text for a set, in ranges and slices; "" for the empty set, which no text names.

    What is whole in a dimension is not written, and a set of all partitions is "*". Dynamic partitions have ranges only
    with a store. Partitions that do not exist are written as well, but could not be read back.
    """
    if subset.is_empty:
        return ""
    definition = subset.partitions_def
    if isinstance(subset, ProductPartitionsSubset):
        return f"{OR} ".join(_slice_of(subset, box, current_time, dynamic_partitions_store) for box in subset.boxes())
    assert isinstance(subset, OrdinalPartitionsSubset)
    if len(subset) > 1 and _is_whole(subset.ordinals, definition, current_time, dynamic_partitions_store):
        return ALL
    ranges = subset.ranges(dynamic_partitions_store)
    text = _ranges_in_text(ranges)
    if len(subset) > 1 and _is_key(text, definition, current_time, dynamic_partitions_store):
        # Some key is written just like this list.
        return _ranges_in_text(ranges, quote_all=True)
    return text


def _is_whole(
    ordinals: Ordinals,
    definition: PartitionsDefinition[Any],
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> bool:
    try:
        return bool(ordinals == definition.existing_ordinals(now, store))
    except MissingDynamicPartitionsStoreError:
        return False


def _is_key(
    text: str, definition: PartitionsDefinition[Any], now: datetime | None, store: DynamicPartitionsStore | None
) -> bool:
    try:
        return definition.has_partition_key(text, now, store)
    except MissingDynamicPartitionsStoreError:
        return False


def _slice_of(
    subset: ProductPartitionsSubset,
    box: Mapping[str, Ordinals],
    now: datetime | None,
    store: DynamicPartitionsStore | None,
) -> str:
    sides = []
    definitions = subset.partitions_def.defs_by_dimension
    if all(len(side) == 1 for side in box.values()):
        parts = [_in_text(definition.key_at(next(iter(box[name])))) for name, definition in definitions.items()]
        return DIMENSION_SEPARATOR.join(parts)
    for name, definition in definitions.items():
        if len(definitions) > 1 and len(box[name]) > 1 and _is_whole(box[name], definition, now, store):
            continue
        sides.append(f"{_in_text(name)}{IS}{_ranges_in_text(definition.ranges_of(box[name], store))}")
    return AND.join(sides) or ALL


def _ranges_in_text(ranges: Sequence[PartitionKeyRange], quote_all: bool = False) -> str:
    return AND.join(
        _in_text(start, quote_all)
        if start == end
        else f"{_in_text(start, quote_all)}{RANGE_MARK}{_in_text(end, quote_all)}"
        for start, end in ranges
    )


def _in_text(key: str, quotes: bool = False) -> str:
    """Return a key as it is written beside others: in quotes where it would be misread."""
    if quotes or not key or key == ALL or key[0] == '"' or key != key.strip() or any(mark in key for mark in _MARKS):
        import json

        return json.dumps(key, ensure_ascii=False)
    return key


class _Word(NamedTuple):
    """A piece of text between marks: a key if it was quoted, otherwise perhaps one."""

    text: str
    is_quoted: bool


class _Reader:
    """Reads what people write for one definition at one time."""

    def __init__(
        self, definition: PartitionsDefinition[Any], now: datetime | None, store: DynamicPartitionsStore | None
    ) -> None:
        self.definition = definition
        self.now = now
        self.store = store

    def read(self, text: str) -> PartitionsSubset[Any]:
        definition = self.definition
        if definition.has_partition_key(text, self.now, self.store):
            return definition.subset_with_partition_keys([text])
        if not text.strip():
            raise UnreadablePartitionSpelling(text, "it is empty", "Name at least one partition, or * for all of them.")
        found = definition.empty_subset()
        for part in self._split(text, OR, text):
            if isinstance(definition, MultiPartitionsDefinition):
                found = found | self._read_of_several(definition, part, text)
            else:
                for piece in self._split(part, AND, text):
                    found = found | self._read_of_one(definition, piece, text)
        return found

    # One dimension

    def _read_of_one(self, definition: PartitionsDefinition[Any], piece: str, text: str) -> PartitionsSubset[Any]:
        """Read a key, a range, or all."""
        word = self._word(piece, text)
        if word is not None:
            if not word.is_quoted and word.text == ALL and not self._has(definition, ALL):
                return definition.subset_with_all_partitions(self.now, self.store)
            if word.is_quoted or self._has(definition, word.text) or RANGE_MARK not in word.text:
                definition.validate_partition_key(word.text, self.now, self.store)
                return definition.subset_with_partition_keys([word.text])
        ends = [each.strip() for each in self._split(piece, RANGE_MARK, text, keeps_empty=True)]
        if len(ends) != 2 or not any(ends):
            raise UnreadablePartitionSpelling(
                text, f'"{piece}" is no range', "Write FIRST...LAST, FIRST... or ...LAST."
            )
        first, last = (self._end(definition, end, place, text) for place, end in enumerate(ends))
        found = definition.subset_with_partition_key_range(PartitionKeyRange(first, last), self.now, self.store)
        if found.is_empty:
            raise RangeWrongWayRoundError(first, last, definition.describe())
        return found

    def _end(self, definition: PartitionsDefinition[Any], written: str, place: int, text: str) -> str:
        """Return the key at one end of a range; an end that is left open is the first or the last there is."""
        if written:
            word = self._word(written, text)
            return word.text if word is not None else written
        ends = (definition.get_first_partition_key, definition.get_last_partition_key)
        found = ends[place](self.now, self.store)
        if found is None:
            raise UnknownPartitionError(text, definition.describe(), "There are no partitions yet.")
        return str(found)

    def _has(self, definition: PartitionsDefinition[Any], key: str) -> bool:
        return definition.has_partition_key(key, self.now, self.store)

    # Several dimensions

    def _read_of_several(self, definition: MultiPartitionsDefinition, part: str, text: str) -> PartitionsSubset[Any]:
        pieces = self._split(part, AND, text)
        if len(self._split(pieces[0], IS, text)) > 1 and len(self._split(pieces[0], DIMENSION_SEPARATOR, text)) == 1:
            return self._read_slice(definition, pieces, text)
        found: PartitionsSubset[Any] = definition.empty_subset()
        for piece in pieces:
            found = found | self._read_by_place(definition, piece, text)
        return found

    def _read_slice(
        self, definition: MultiPartitionsDefinition, pieces: Sequence[str], text: str
    ) -> ProductPartitionsSubset:
        """Read DIMENSION=KEYS, in which a piece without a name goes on with the dimension before it."""
        definitions = definition.defs_by_dimension
        sides: dict[str, PartitionsSubset[Any]] = {}
        name = ""
        for piece in pieces:
            named = self._split(piece, IS, text)
            if len(named) > 1 and not (name and self._has(definitions[name], piece.strip())):
                word = self._word(named[0], text)
                name = word.text if word is not None else named[0].strip()
                if name not in definitions:
                    raise UnknownDimensionError(name, definition.describe(), definitions)
                if name in sides:
                    raise UnreadablePartitionSpelling(
                        text,
                        f'the dimension "{name}" is named twice',
                        f"Name it once, with all of its keys: {name}=FIRST,SECOND.",
                    )
                piece = piece[len(named[0]) + len(IS) :]
            side = self._side(definition, name, piece, text)
            sides[name] = sides[name] | side if name in sides else side
        return definition.subset_of_box(
            {
                each: _ordinals(sides[each]) if each in sides else item.existing_ordinals(self.now, self.store)
                for each, item in definitions.items()
            }
        )

    def _read_by_place(self, definition: MultiPartitionsDefinition, piece: str, text: str) -> PartitionsSubset[Any]:
        """Read a part for each dimension in order of name; or a box, from one key to another."""
        if piece.strip() == ALL:
            return definition.subset_with_all_partitions(self.now, self.store)
        names = definition.partition_dimension_names
        parts = self._split(piece, DIMENSION_SEPARATOR, text)
        if len(parts) == len(names):
            sides = {
                name: _ordinals(self._side(definition, name, part, text))
                for name, part in zip(names, parts, strict=True)
            }
            return definition.subset_of_box(sides)
        ends = [self._split(end, DIMENSION_SEPARATOR, text) for end in self._split(piece, RANGE_MARK, text, True)]
        if len(ends) == 2 and all(len(end) == len(names) for end in ends):
            box = {
                name: _ordinals(self._side(definition, name, f"{first}{RANGE_MARK}{last}", text))
                for name, first, last in zip(names, *ends, strict=True)
            }
            return definition.subset_of_box(box)
        form = DIMENSION_SEPARATOR.join(f"<{name}>" for name in names)
        raise UnknownPartitionError(
            piece.strip(), definition.describe(), f'Write "{form}", or slices by name: {names[0]}=KEY,{names[-1]}=KEY.'
        )

    def _side(self, definition: MultiPartitionsDefinition, name: str, piece: str, text: str) -> PartitionsSubset[Any]:
        try:
            return self._read_of_one(definition.defs_by_dimension[name], piece, text)
        except UnknownPartitionError as error:
            error.args = (f'In the dimension "{name}": {error}',)
            error.what = f'In the dimension "{name}": {error.what}'
            raise

    # Marks

    def _word(self, piece: str, text: str) -> _Word | None:
        """Return the only word of a piece; None when a range of quoted words is left to read."""
        written = piece.strip()
        if not written:
            raise UnreadablePartitionSpelling(
                text, "something is missing between two marks", 'Write a key there; an empty key is written "".'
            )
        if written[0] != '"':
            return _Word(written, False)
        key, end = self._quoted(written, 0, text)
        return _Word(key, True) if end == len(written) else None

    def _quoted(self, text: str, start: int, whole: str) -> tuple[str, int]:
        import json

        try:
            key, end = json.JSONDecoder().raw_decode(text, start)
        except ValueError:
            raise UnreadablePartitionSpelling(
                whole, "a quotation mark is not closed", 'Write "KEY", with \\ before a quotation mark inside.'
            ) from None
        return str(key), end

    def _split(self, text: str, mark: str, whole: str, keeps_empty: bool = False) -> list[str]:
        """Return the pieces between marks. Marks inside quotes count for nothing."""
        pieces, begin, at, is_start = [], 0, 0, True
        while at < len(text):
            if is_start and text[at] == '"':
                _, at = self._quoted(text, at, whole)
                is_start = False
                continue
            found = next((each for each in _MARKS if text.startswith(each, at)), None)
            if found is None:
                is_start = is_start and text[at].isspace()
                at += 1
                continue
            if found == mark:
                pieces.append(text[begin:at])
                begin = at + len(found)
            at += len(found)
            is_start = True
        pieces.append(text[begin:])
        if not keeps_empty and mark in (AND, OR) and not all(piece.strip() for piece in pieces):
            raise UnreadablePartitionSpelling(
                whole, f'something is missing beside a "{mark}"', 'Write a key there; an empty key is written "".'
            )
        return pieces


def _ordinals(subset: PartitionsSubset[Any]) -> Ordinals:
    assert isinstance(subset, OrdinalPartitionsSubset)
    return subset.ordinals
