"""Rows as one batch without padding: all tokens in one line, and which of them attend to which.

A segment is a row's shared tokens, or one of its branches; its queries are its own tokens, its keys the shared ones and
its own. Segments of like length are grouped, so that little is computed for padding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .encoding import Row

Indices = NDArray[np.int64]
GROUPS = 4


@dataclass
class Group:
    """Segments that are attended together. `queries` int64 [segments, most queries] and `keys` int64 [segments, most
    keys] are indices into the line (0 where padded); `seen` bool [segments, most queries, most keys]."""

    queries: Indices
    keys: Indices
    seen: NDArray[np.bool_]


@dataclass
class Batch:
    """The line: ids and labels int64 [tokens], positions int64 [3, tokens]; groups of segments; for each token its
    place among all groups' queries laid end to end, int64 [tokens]; the rows' pictures, uint8 [height, width, 3], the
    classes of their cells, and for each cell the number of its picture in its row, int64 [cells]."""

    ids: Indices
    labels: Indices
    positions: Indices
    groups: list[Group]
    places: Indices
    pictures: list[NDArray[np.uint8]]
    cells: list[Indices]
    numbers: Indices


def pack(rows: list[Row]) -> Batch:
    """One batch of all rows."""
    starts = np.cumsum([0, *(len(row.ids) for row in rows)])
    found = [pair for row, start in zip(rows, starts, strict=False) for pair in segments(row, int(start))]
    found.sort(key=lambda pair: len(pair[1]))
    size = -(-len(found) // GROUPS)
    groups = [group(found[i : i + size]) for i in range(0, len(found), size)]
    return Batch(
        np.concatenate([row.ids for row in rows]),
        np.concatenate([row.labels for row in rows]),
        np.concatenate([row.positions for row in rows], 1),
        groups,
        places(found, groups, size),
        [picture for row in rows for picture in row.pictures],
        [cells for row in rows for cells in row.cells],
        np.array([number for row in rows for number, cells in enumerate(row.cells) for _ in cells], np.int64),
    )


def segments(row: Row, start: int) -> list[tuple[Indices, Indices]]:
    """Queries and keys of a row's shared tokens and of each of its branches; the row begins at `start` in the line."""
    shared = start + np.flatnonzero(row.branch == 0)
    result = [(shared, shared)] if len(shared) else []
    for number in range(1, int(row.branch.max()) + 1):
        own = start + np.flatnonzero(row.branch == number)
        result.append((own, np.concatenate([shared, own])))
    return result


def group(found: list[tuple[Indices, Indices]]) -> Group:
    """Segments padded to the longest of them."""
    most_queries, most_keys = (max(len(pair[side]) for pair in found) for side in (0, 1))
    queries = np.zeros((len(found), most_queries), np.int64)
    keys = np.zeros((len(found), most_keys), np.int64)
    seen = np.zeros((len(found), most_queries, most_keys), np.bool_)
    seen[:, :, 0] = True
    for index, (own, context) in enumerate(found):
        queries[index, : len(own)], keys[index, : len(context)] = own, context
        seen[index, : len(own), : len(context)] = context[None, :] <= own[:, None]
    return Group(queries, keys, seen)


def places(found: list[tuple[Indices, Indices]], groups: list[Group], size: int) -> Indices:
    """Where each token of the line stands among the groups' padded queries."""
    result = np.empty(sum(len(own) for own, _ in found), np.int64)
    base = 0
    for number, padded in enumerate(groups):
        for index, (own, _) in enumerate(found[number * size : (number + 1) * size]):
            result[own] = base + index * padded.queries.shape[1] + np.arange(len(own))
        base += padded.queries.size
    return result
