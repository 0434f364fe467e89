"""Walks over numbered nodes: order, levels, reach and circles. Edges are lists of numbers, by node."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence

Edges = Sequence[Sequence[int]]


def ordered(before: Edges, after: Edges) -> list[int]:
    """Return the nodes so that each comes after all those `before` it; the lowest number first where there is a choice.

    Nodes on a circle, and all that come after one, are left out.
    """
    waiting = [len(earlier) for earlier in before]
    ready = [node for node, count in enumerate(waiting) if not count]
    order: list[int] = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for later in after[node]:
            waiting[later] -= 1
            if not waiting[later]:
                heapq.heappush(ready, later)
    return order


def levels_of(order: Sequence[int], before: Edges) -> list[list[int]]:
    """Return the nodes by the length of the longest path that leads to each, lowest numbers first in each level."""
    level_of = [0] * len(before)
    for node in order:
        for earlier in before[node]:
            if level_of[earlier] >= level_of[node]:
                level_of[node] = level_of[earlier] + 1
    levels: list[list[int]] = [[] for _ in range(max(level_of, default=-1) + 1)]
    for node, level in enumerate(level_of):
        levels[level].append(node)
    return levels


def reached(starts: Collection[int], neighbours: Edges, depth: int | None) -> set[int]:
    """Return the nodes that are one to `depth` edges away from a start (any number of edges when depth is None)."""
    found: set[int] = set()
    frontier = set(starts)
    while frontier and (depth is None or depth > 0):
        found_now: set[int] = set()
        for node in frontier:
            found_now.update(neighbours[node])
        frontier = found_now - found
        found |= frontier
        depth = None if depth is None else depth - 1
    return found


def find_cycle_in(before: Edges, after: Edges, left_out: Collection[int]) -> tuple[int, ...]:
    """Return the nodes of one circle that has none of `left_out` on it, each before the next, beginning with the
    lowest number; none when there is no circle."""
    waiting = [0 if node in left_out else sum(up not in left_out for up in ups) for node, ups in enumerate(before)]
    done = [node for node, count in enumerate(waiting) if not count and node not in left_out]
    stuck = set(range(len(before))) - set(left_out) - set(done)
    while done:
        for later in after[done.pop()]:
            if later in stuck:
                waiting[later] -= 1
                if not waiting[later]:
                    stuck.discard(later)
                    done.append(later)
    if not stuck:
        return ()
    # Each node that is left waits for another that is left, so going upstream for long enough runs into a circle.
    node = min(stuck)
    seen: dict[int, int] = {}
    path: list[int] = []
    while node not in seen:
        seen[node] = len(path)
        path.append(node)
        node = next(up for up in before[node] if up in stuck)
    circle = path[seen[node] :][::-1]
    first = circle.index(min(circle))
    return tuple(circle[first:] + circle[:first])
