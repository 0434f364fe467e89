"""Sets of partitions of several dimensions, as nested products of bitmaps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product as cartesian
from typing import TYPE_CHECKING, Any

from headwater.model.partitions import product
from headwater.model.partitions.keys import MultiPartitionKey, PartitionKeyRange
from headwater.model.partitions.product import Operation
from headwater.model.partitions.subset import PartitionsSubset, mismatch

if TYPE_CHECKING:
    from headwater.model.partitions.definition import DynamicPartitionsStore
    from headwater.model.partitions.multi import MultiPartitionsDefinition
    from headwater.model.partitions.ordinals import Ordinals
    from headwater.model.partitions.product import Product


class ProductPartitionsSubset(PartitionsSubset[MultiPartitionKey]):
    """A set of partitions of several dimensions; all combinations cost no more than the dimensions do."""

    __slots__ = ("_partitions_def", "_product")

    def __init__(self, partitions_def: MultiPartitionsDefinition, product: Product) -> None:
        self._partitions_def = partitions_def
        self._product = product

    @property
    def partitions_def(self) -> MultiPartitionsDefinition:
        return self._partitions_def

    def boxes(self) -> Iterator[Mapping[str, Ordinals]]:
        """Yield disjoint boxes, the ordinals of each dimension by its name, that together are the set."""
        names = self._partitions_def.partition_dimension_names
        for sides in product.boxes(self._product, self._partitions_def.depth):
            yield dict(zip(names, sides, strict=True))

    def mapped(
        self, definition: MultiPartitionsDefinition, by_dimension: Sequence[Callable[[Ordinals], Ordinals]]
    ) -> ProductPartitionsSubset:
        """Return a set of a definition with as many dimensions, each mapped by a function that distributes over unions."""
        return ProductPartitionsSubset(definition, product.mapped(self._product, by_dimension))

    def side(self, dimension_name: str) -> Ordinals:
        """Return the ordinals of one dimension that occur at all."""
        definition = self._partitions_def
        position = definition.partition_dimension_names.index(dimension_name)
        return product.side(self._product, position, definition.depth)

    def _product_from(self, other: object) -> Product:
        if isinstance(other, ProductPartitionsSubset):
            ours, theirs = self._partitions_def, other._partitions_def
            if ours is theirs or ours.ordinal_space == theirs.ordinal_space:
                return other._product
            converted = self._converted(other)
            if converted is not None:
                return converted
        raise mismatch(self, other)

    def _converted(self, other: ProductPartitionsSubset) -> Product | None:
        ours, theirs = self._partitions_def.defs_by_dimension, other._partitions_def.defs_by_dimension
        if list(ours) != list(theirs):
            return None
        boxes = []
        for box in other.boxes():
            sides = [item.converted(box[name], theirs[name]) for name, item in ours.items()]
            whole = [side for side in sides if side is not None]
            if len(whole) != len(sides):
                return None
            boxes.append(whole)
        return product.of_boxes(boxes, self._partitions_def.depth)

    def _combined(self, other: object, operation: Operation) -> ProductPartitionsSubset:
        depth = self._partitions_def.depth
        combined = product.combine(self._product, self._product_from(other), operation, depth)
        return ProductPartitionsSubset(self._partitions_def, combined)

    def count(self) -> int:
        """Return how many partitions there are, also where that is more than `len` may answer."""
        return product.count(self._product, self._partitions_def.depth)

    def __len__(self) -> int:
        return self.count()

    def __bool__(self) -> bool:
        return bool(self._product)

    def __contains__(self, partition_key: object) -> bool:
        if not isinstance(partition_key, str):
            return False
        ordinals = self._partitions_def.find_ordinals(partition_key)
        return ordinals is not None and product.contains(self._product, ordinals)

    def __iter__(self) -> Iterator[MultiPartitionKey]:
        for ordinals in product.tuples(self._product, self._partitions_def.depth):
            yield self._partitions_def.key_of_ordinals(ordinals)

    def __or__(self, other: PartitionsSubset[Any]) -> ProductPartitionsSubset:
        return self._combined(other, Operation.UNION)

    def __and__(self, other: PartitionsSubset[Any]) -> ProductPartitionsSubset:
        return self._combined(other, Operation.INTERSECTION)

    def __sub__(self, other: PartitionsSubset[Any]) -> ProductPartitionsSubset:
        return self._combined(other, Operation.DIFFERENCE)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ProductPartitionsSubset):
            return NotImplemented
        if self._partitions_def.ordinal_space == other._partitions_def.ordinal_space:
            return bool(self._product == other._product)
        return self._converted(other) == self._product

    def __hash__(self) -> int:
        return hash(self.count())

    def ranges(self, dynamic_partitions_store: DynamicPartitionsStore | None = None) -> Sequence[PartitionKeyRange]:
        """Return boxes: each range is the range of every dimension, multiplied."""
        definitions = self._partitions_def.defs_by_dimension
        found = []
        for box in self.boxes():
            sides = [item.ranges_of(box[name], dynamic_partitions_store) for name, item in definitions.items()]
            for ranges in cartesian(*sides):
                start = MultiPartitionKey({name: side.start for name, side in zip(definitions, ranges, strict=True)})
                end = MultiPartitionKey({name: side.end for name, side in zip(definitions, ranges, strict=True)})
                found.append(PartitionKeyRange(start, end))
        return found

    def to_data(self) -> Any:
        definitions = self._partitions_def.defs_by_dimension
        numbers: list[dict[Ordinals, int]] = [{} for _ in definitions]

        def write(place: int, ordinals: Ordinals) -> int:
            return numbers[place].setdefault(ordinals, len(numbers[place]))

        tree = product.to_tree(self._product, self._partitions_def.depth, write) if self._product else None
        return {
            "dimensions": list(definitions),
            # What occurs in each dimension, once; and how it is combined, nested dimension by dimension.
            "sides": [
                [item.ordinals_to_data(ordinals) for ordinals in of_side]
                for item, of_side in zip(definitions.values(), numbers, strict=True)
            ],
            "tree": tree,
        }

    @staticmethod
    def from_data(partitions_def: MultiPartitionsDefinition, data: Any) -> ProductPartitionsSubset:
        """Read what `to_data` wrote. Raises ValueError when the dimensions are not the definition's."""
        definitions = partitions_def.defs_by_dimension
        if data["dimensions"] != list(definitions):
            raise ValueError(f"it holds partitions of the dimensions {', '.join(data['dimensions'])}")
        if "tree" in data:
            sides = [
                [item.ordinals_from_data(side) for side in of_dimension]
                for item, of_dimension in zip(definitions.values(), data["sides"], strict=True)
            ]
            if data["tree"] is None:
                return ProductPartitionsSubset(partitions_def, product.empty(partitions_def.depth))
            found = product.from_tree(data["tree"], partitions_def.depth, lambda place, number: sides[place][number])
            return ProductPartitionsSubset(partitions_def, found)
        # As it was written at first: box by box.
        boxes = [
            [item.ordinals_from_data(side) for item, side in zip(definitions.values(), sides, strict=True)]
            for sides in data["boxes"]
        ]
        return ProductPartitionsSubset(partitions_def, product.of_boxes(boxes, partitions_def.depth))

    def __reduce__(self) -> tuple[Any, ...]:
        return (ProductPartitionsSubset.from_data, (self._partitions_def, self.to_data()))
