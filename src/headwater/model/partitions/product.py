"""Sets of tuples of ordinals, as nested products that are never multiplied out.

A set over one dimension is a bitmap. Over several it is a tuple of (bitmap of the first dimension, set over the rest):
the bitmaps are disjoint, the rests are different, nothing is empty, and the pairs are in order of their lowest ordinal.
So each set has exactly one form, and comparing forms compares sets. "All dates times all colors" is one pair.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, Union, cast

from headwater.model.partitions.ordinals import no_ordinals, ordinals_of, union_of

if TYPE_CHECKING:
    from headwater.model.partitions.ordinals import Ordinals

    Groups = tuple[tuple[Ordinals, "Product"], ...]
    Product = Union[Ordinals, Groups]  # noqa: UP007 - refers to itself


class Operation(Enum):
    UNION = "|"
    INTERSECTION = "&"
    DIFFERENCE = "-"


def empty(depth: int) -> Product:
    return no_ordinals() if depth == 1 else ()


def of_box(sides: Sequence[Ordinals]) -> Product:
    """Return the set of all tuples with one ordinal from each side."""
    if not all(sides):
        return empty(len(sides))
    product: Product = sides[-1]
    for side in reversed(sides[:-1]):
        product = ((side, product),)
    return product


def of_tuples(tuples: Iterable[tuple[int, ...]], depth: int) -> Product:
    if depth == 1:
        return ordinals_of([first for (first,) in tuples])
    if depth == 2:
        seconds_by_first: dict[int, list[int]] = {}
        for first, second in tuples:
            seconds_by_first.setdefault(first, []).append(second)
        return _grouped((ordinals_of((first,)), ordinals_of(seconds)) for first, seconds in seconds_by_first.items())
    rests_by_first: dict[int, list[tuple[int, ...]]] = {}
    for first, *rest in tuples:
        rests_by_first.setdefault(first, []).append(tuple(rest))
    return _grouped((ordinals_of((first,)), of_tuples(rests, depth - 1)) for first, rests in rests_by_first.items())


def _grouped(pairs: Iterable[tuple[Ordinals, Product]]) -> Groups:
    """Return the one form of pairs whose bitmaps are disjoint: equal rests together, empty ones left out."""
    bitmaps_by_rest: dict[Product, list[Ordinals]] = {}
    for bitmap, rest in pairs:
        if bitmap and rest:
            bitmaps_by_rest.setdefault(rest, []).append(bitmap)
    groups = (
        (bitmaps[0] if len(bitmaps) == 1 else union_of(bitmaps), rest) for rest, bitmaps in bitmaps_by_rest.items()
    )
    return tuple(sorted(groups, key=_lowest))


def _lowest(group: tuple[Ordinals, Product]) -> int:
    return group[0].min()


def combine(left: Product, right: Product, operation: Operation, depth: int) -> Product:
    if depth == 1:
        ours, theirs = cast("Ordinals", left), cast("Ordinals", right)
        if operation is Operation.UNION:
            return ours | theirs
        return ours & theirs if operation is Operation.INTERSECTION else ours - theirs
    return _grouped(_combined_pairs(cast("Groups", left), cast("Groups", right), operation, depth))


def _combined_pairs(
    left: Groups, right: Groups, operation: Operation, depth: int
) -> Iterator[tuple[Ordinals, Product]]:
    for bitmap, rest in left:
        remaining = bitmap
        for other_bitmap, other_rest in right:
            if not remaining:
                break
            if remaining.intersect(other_bitmap):
                yield remaining & other_bitmap, combine(rest, other_rest, operation, depth - 1)
                remaining = remaining - other_bitmap
        if operation is not Operation.INTERSECTION:
            yield remaining, rest
    if operation is Operation.UNION:
        ours = union_of(bitmap for bitmap, _ in left)
        for other_bitmap, other_rest in right:
            yield other_bitmap - ours, other_rest


def count(product: Product, depth: int) -> int:
    if depth == 1:
        return len(product)
    return sum(len(bitmap) * count(rest, depth - 1) for bitmap, rest in cast("Groups", product))


def contains(product: Product, ordinals: Sequence[int]) -> bool:
    first, rest_ordinals = ordinals[0], ordinals[1:]
    if not rest_ordinals:
        return first in cast("Ordinals", product)
    for bitmap, rest in cast("Groups", product):
        if first in bitmap:
            return contains(rest, rest_ordinals)
    return False


def tuples(product: Product, depth: int) -> Iterator[tuple[int, ...]]:
    """Yield the tuples, lowest first."""
    if depth == 1:
        for ordinal in cast("Ordinals", product):
            yield (ordinal,)
        return
    groups = cast("Groups", product)
    if len(groups) == 1:
        for first in groups[0][0]:
            for rest in tuples(groups[0][1], depth - 1):
                yield (first, *rest)
        return
    rest_by_first = {first: rest for bitmap, rest in groups for first in bitmap}
    for first in sorted(rest_by_first):
        for following in tuples(rest_by_first[first], depth - 1):
            yield (first, *following)


def boxes(product: Product, depth: int) -> Iterator[tuple[Ordinals, ...]]:
    """Yield disjoint boxes, one bitmap for each dimension, that together are the set."""
    if depth == 1:
        if product:
            yield (cast("Ordinals", product),)
        return
    for bitmap, rest in cast("Groups", product):
        for sides in boxes(rest, depth - 1):
            yield (bitmap, *sides)


def side(product: Product, position: int, depth: int) -> Ordinals:
    """Return the ordinals of one dimension that occur at all."""
    if depth == 1:
        return cast("Ordinals", product)
    groups = cast("Groups", product)
    if position == 0:
        return union_of(bitmap for bitmap, _ in groups)
    return union_of(side(rest, position - 1, depth - 1) for _, rest in groups)


def of_pairs(pairs: Iterable[tuple[Ordinals, Product]], depth: int) -> Product:
    """Return the union of products of a bitmap and a set over the rest; the bitmaps may overlap."""
    there = [(bitmap, rest) for bitmap, rest in pairs if bitmap and rest]
    whole = union_of(bitmap for bitmap, _ in there)
    if len(whole) == sum(len(bitmap) for bitmap, _ in there):
        return _grouped(there)
    return _united([_grouped((pair,)) for pair in there], depth)


def mapped(product: Product, by_dimension: Sequence[Callable[[Ordinals], Ordinals]]) -> Product:
    """Return the set in which each dimension's ordinals are mapped by a function that distributes over unions."""
    first, *following = by_dimension
    if not following:
        return first(cast("Ordinals", product))
    groups = cast("Groups", product)
    return of_pairs(((first(bitmap), mapped(rest, following)) for bitmap, rest in groups), len(by_dimension))


def to_tree(product: Product, depth: int, write: Callable[[int, Ordinals], int], place: int = 0) -> Any:
    """Return the set as nested lists, in which a number that `write` gives stands for each bitmap of a dimension."""
    if depth == 1:
        return write(place, cast("Ordinals", product))
    groups = cast("Groups", product)
    return [[write(place, bitmap), to_tree(rest, depth - 1, write, place + 1)] for bitmap, rest in groups]


def from_tree(tree: Any, depth: int, read: Callable[[int, int], Ordinals], place: int = 0) -> Product:
    """Return the set that `to_tree` wrote; `read` gives the bitmap that a number stands for."""
    if depth == 1:
        return read(place, tree)
    return of_pairs(
        ((read(place, number), from_tree(rest, depth - 1, read, place + 1)) for number, rest in tree), depth
    )


def of_boxes(all_sides: Iterable[Sequence[Ordinals]], depth: int) -> Product:
    """Return the union of boxes, which may overlap."""
    return _united([of_box(sides) for sides in all_sides], depth)


def _united(pending: list[Product], depth: int) -> Product:
    # Pairwise, so that many boxes are not each added to a large whole.
    while len(pending) > 1:
        pending = [
            combine(pending[index], pending[index + 1], Operation.UNION, depth)
            if index + 1 < len(pending)
            else pending[index]
            for index in range(0, len(pending), 2)
        ]
    return pending[0] if pending else empty(depth)
