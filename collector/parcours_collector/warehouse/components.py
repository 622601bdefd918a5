"""Connected components of a small graph in memory, where a statement for each pass of a large one would cost more."""

from collections.abc import Iterable


def least_of_component(edges: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return, for every end of an edge, the least node of its component.

    Trees of which each root is the least of its nodes; paths are halved at every walk, so they stay short.
    """
    above: dict[int, int] = {}
    for a, b in edges:
        one, other = _root(above, a), _root(above, b)
        if one < other:
            above[other] = one
        elif other < one:
            above[one] = other
    return {node: _root(above, node) for node in above}


def _root(above: dict[int, int], node: int) -> int:
    over = above.setdefault(node, node)
    while over != node:
        top = above[over]
        above[node] = top
        node, over = over, top
    return node
