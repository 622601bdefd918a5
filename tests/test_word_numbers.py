"""Numbers stand for words in the journey index; two words of one number are told apart all the same."""

import pytest
from clickhouse_connect.driver.client import Client

from parcours_collector.atlas.questions import funnel, funnel_people, transitions
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.stitching import stitch
from tests.touchpoint_rows import store, touch

_SHARED = """
SELECT groupArray(word)
FROM (SELECT concat({prefix:String}, toString(number)) AS word FROM numbers(300000))
GROUP BY toUInt32(sipHash64(word))
HAVING count() > 1
LIMIT 1
"""


def words_of_one_number(client: Client, prefix: str) -> tuple[str, str]:
    ((words,),) = client.query(_SHARED, parameters={"prefix": prefix}).result_rows
    return words[0], words[1]


@pytest.mark.parametrize("indexed", [False, True], ids=["waiting", "indexed"])
def test_two_names_of_one_number_are_two_nodes_and_two_steps(clickhouse_apart: Client, indexed: bool) -> None:
    client = clickhouse_apart
    one, other = words_of_one_number(client, "name_")
    store(
        client,
        "shop",
        [
            touch(one, 0, user_id="a"),
            touch(other, 10, user_id="a"),
            touch(one, 30, user_id="a"),
            touch(other, 0, user_id="b"),
            touch("product_viewed", 5, user_id="b"),
        ],
    )
    stitch(client)
    # What waits has no place in the list of words yet, and the word that shares a number may be there alone.
    JourneyIndex(client, linger_seconds=0).refresh()
    if not indexed:
        store(client, "shop", [touch(other, 40, user_id="c"), touch(one, 60, user_id="c")])
    moves = {(row.from_node, row.to_node, row.passages) for row in transitions(client, project="shop")}
    # The two of `c` go from the other to the one, as `a` does once.
    back = 1 if indexed else 2
    assert moves == {(one, other, 1), (other, one, back), (other, "product_viewed", 1)}
    by_both = {(row.from_node, row.to_node) for row in transitions(client, node="name_channel", project="shop")}
    assert (f"{one} · web", f"{other} · web") in by_both
    steps = funnel(client, [one, other, one], window_seconds=3600, project="shop")
    assert [step.people for step in steps] == ([1, 1, 1] if indexed else [2, 1, 1])
    assert {person.reached for person in funnel_people(client, [other], window_seconds=60, project="shop")} == {1}
    assert len(funnel_people(client, [other], window_seconds=60, project="shop")) == (2 if indexed else 3)


def test_a_name_that_waits_is_not_taken_for_one_of_its_number(clickhouse_apart: Client) -> None:
    client = clickhouse_apart
    one, other = words_of_one_number(client, "name_")
    store(client, "shop", [touch(other, 0, user_id="a")])
    stitch(client)
    JourneyIndex(client, linger_seconds=0).refresh()
    store(client, "shop", [touch(one, 0, user_id="b")])
    assert len(funnel_people(client, [other], window_seconds=60, project="shop")) == 1


def test_what_an_earlier_version_indexed_after_the_migration_is_noted(clickhouse_apart: Client) -> None:
    """Of that version's run is left what it would have left: a row of the index, and no note of its names."""
    client = clickhouse_apart
    store(client, "shop", [touch("product_viewed", 0, user_id="a"), touch("order_completed", 9, user_id="a")])
    stitch(client)
    JourneyIndex(client, linger_seconds=0).refresh()
    client.command("TRUNCATE TABLE journey_nodes")
    JourneyIndex(client, linger_seconds=0).refresh()
    assert len(transitions(client, project="shop")) == 1
    assert [step.people for step in funnel(client, ["product_viewed"], window_seconds=60, project="shop")] == [1]


def test_nodes_that_are_called_alike_are_one(clickhouse_apart: Client) -> None:
    """Straight into the table: no door lets such names in."""
    client = clickhouse_apart
    store(
        client,
        "shop",
        [
            touch("a · b", 0, channel="c", user_id="a"),
            touch("end", 5, channel="c", user_id="a"),
            touch("a", 0, channel="b · c", user_id="b"),
            touch("end", 5, channel="c", user_id="b"),
        ],
    )
    stitch(client)
    JourneyIndex(client, linger_seconds=0).refresh()
    moves = transitions(client, node="name_channel", project="shop")
    assert [(move.from_node, move.to_node, move.passages, move.people) for move in moves] == [
        ("a · b · c", "end · c", 2, 2)
    ]


def test_two_channels_of_one_number_are_two_nodes(clickhouse_apart: Client) -> None:
    client = clickhouse_apart
    one, other = words_of_one_number(client, "channel_")
    store(
        client,
        "shop",
        [
            touch("product_viewed", 0, channel=one, user_id="a"),
            touch("product_viewed", 10, channel=other, user_id="a"),
            touch("order_completed", 30, channel=other, user_id="a"),
        ],
    )
    stitch(client)
    JourneyIndex(client, linger_seconds=0).refresh()
    by_channel = {(row.from_node, row.to_node, row.passages) for row in transitions(client, node="channel")}
    assert by_channel == {(one, other, 1), (other, other, 1)}
    by_both = {(row.from_node, row.to_node) for row in transitions(client, node="name_channel")}
    assert by_both == {
        (f"product_viewed · {one}", f"product_viewed · {other}"),
        (f"product_viewed · {other}", f"order_completed · {other}"),
    }


def test_seventy_thousand_channels_are_nodes(clickhouse_apart: Client) -> None:
    """The index and its list of nodes are told them directly: nobody sends so many in a test."""
    client = clickhouse_apart
    client.command(
        "INSERT INTO journey_index (project, identifier, times, names, channels, ids, newest_receipt, version) "
        "SELECT 'shop', 7, range(70000) AS told, arrayMap(n -> 'product_viewed', told), "
        "arrayMap(n -> concat('channel_', toString(n)), told), arrayMap(n -> generateUUIDv7(n), told), now64(6), 1"
    )
    client.command(
        "INSERT INTO journey_nodes "
        "SELECT 'shop', 'product_viewed', concat('channel_', toString(number)) FROM numbers(70000)"
    )
    moves = transitions(client, node="name_channel", project="shop", limit=100_000)
    assert len(moves) == 69_999
    assert sum(move.passages for move in moves) == 69_999
