"""Components in memory: every node has the least node that any path leads to."""

import random

from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.warehouse.components import least_of_component

EDGES = st.lists(st.tuples(st.integers(1, 24), st.integers(1, 24)), max_size=40)


@given(edges=EDGES, order=st.randoms(use_true_random=False))
def test_every_node_has_the_least_node_that_a_path_leads_to_in_whatever_order_edges_come(
    edges: list[tuple[int, int]], order: random.Random
) -> None:
    reached = {node: {node} for edge in edges for node in edge}
    for _ in reached:
        for a, b in edges:
            reached[a] |= reached[b]
            reached[b] |= reached[a]
    shuffled = order.sample(edges, len(edges))
    assert least_of_component(shuffled) == {node: min(found) for node, found in reached.items()}


def test_a_chain_of_a_hundred_thousand_links_is_walked_without_recursion() -> None:
    chain = [(n, n + 1) for n in range(100_000)]
    random.Random(1).shuffle(chain)
    assert set(least_of_component(chain).values()) == {0}
