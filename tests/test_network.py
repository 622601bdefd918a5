"""Nodes, black holes, bright paths and knock-on effects, proved against an exact chain on random lives."""

import os
import uuid
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.network import Network, black_holes, bright_paths, knock_on, nodes, stage_moves
from parcours_collector.warehouse.project_rules import Kind, write_kind
from parcours_collector.warehouse.stitching import stitch
from tests import chain_oracle, network_oracle, oracle, touchpoint_rows
from tests.oracle import Touch
from tests.touchpoint_rows import NAMES, START, lives, store, store_rows, touch

random_lives = settings(
    max_examples=int(os.environ.get("NETWORK_EXAMPLES", "3")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
networks = st.builds(
    Network,
    node=st.sampled_from(("name", "name", "channel", "name_channel")),
    groups=st.sampled_from(((), (), ("product_*",))),
    collapse=st.booleans(),
    from_at=st.sampled_from((None, START + timedelta(hours=1))),
    to_at=st.sampled_from((None, START + timedelta(days=40))),
)


def over(touches: Sequence[Touch], network: Network, *, without_conversion: bool = False) -> list[network_oracle.Walk]:
    """The journeys that are over."""
    walks = network_oracle.walks(
        oracle.walks(touches).values(), now=datetime.now(UTC), within="journey", node=network.node,
        groups=network.groups, collapse=network.collapse, from_at=network.from_at, to_at=network.to_at,
        without_conversion=without_conversion,
    )  # fmt: skip
    return [walk for walk in walks if walk.outcome != "open"]


def told(walks: Sequence[network_oracle.Walk]) -> list[tuple[list[str], bool]]:
    return [([node for node, _ in walk.steps], walk.outcome == "converted") for walk in walks]


@random_lives
@given(touches=lives(), network=networks, with_value=st.booleans())
def test_nodes_and_black_holes_are_those_of_the_chain(
    clickhouse: Client, touches: list[Touch], network: Network, with_value: bool
) -> None:
    network = Network(**{**_fields(network), "project": _stored(clickhouse, touches)})
    walks = over(touches, network)
    moved = chain_oracle.moves(told(walks))
    chain = chain_oracle.chain(moved)
    found = nodes(clickhouse, network, with_value=with_value)
    visits = Counter(node for walk in walks for node, _ in walk.steps)
    assert {row.node: row.visits for row in found} == visits
    if not walks:
        return
    reached = chain_oracle.conversion(chain)
    base = reached["(start)"]
    people = defaultdict(set)
    for walk in walks:
        for node, _ in walk.steps:
            people[node].add(walk.person)
    for row in found:
        assert row.people == len(people[row.node])
        assert row.entries == moved["(start)", row.node]
        assert (row.converted, row.lost) == (moved[row.node, "(converted)"], moved[row.node, "(lost)"])
        assert row.own_rate == pytest.approx(1 - row.lost / row.visits)
        assert row.conversion_probability == pytest.approx(float(reached[row.node]))
        assert row.base_conversion == pytest.approx(float(base))
        assert row.base_conversion == pytest.approx(sum(walk.outcome == "converted" for walk in walks) / len(walks))
        removed = float(1 - chain_oracle.without(chain, row.node) / base) if base else 0
        assert row.removal_effect == pytest.approx(removed, abs=1e-9)
        assert row.conversion_if_mended == pytest.approx(float(chain_oracle.mended(chain, row.node)))
        assert row.journeys == len(walks)
        assert row.revenue == (pytest.approx(sum(walk.revenue for walk in walks)) if with_value else None)
    lost = sum(walk.outcome == "lost" for walk in walks)
    holes = black_holes(clickhouse, network, with_value=with_value)
    assert {row.node: row.lost for row in holes} == {row.node: row.lost for row in found if row.lost}
    assert sum(row.lost_share for row in holes) == pytest.approx(1 if lost else 0)
    for hole in holes:
        node = next(row for row in found if row.node == hole.node)
        assert hole.lost_share == pytest.approx(hole.lost / lost)
        gain = (node.conversion_if_mended - node.base_conversion) * node.journeys
        assert hole.expected_conversions == pytest.approx(gain, abs=1e-9)
        converted = len(walks) - lost
        if with_value and converted:
            brought = sum(walk.revenue for walk in walks if walk.outcome == "converted")
            assert hole.lost_value == pytest.approx(hole.lost * brought / converted)
        else:
            assert hole.lost_value is None


@random_lives
@given(touches=lives(), network=networks, shortest=st.integers(1, 2), longer=st.integers(0, 2), least=st.integers(1, 3))
def test_bright_paths_are_those_of_the_oracle(
    clickhouse: Client, touches: list[Touch], network: Network, shortest: int, longer: int, least: int
) -> None:
    network = Network(**{**_fields(network), "project": _stored(clickhouse, touches)})
    walks = over(touches, network, without_conversion=True)
    taken: dict[tuple[str, ...], list[network_oracle.Walk]] = defaultdict(list)
    for walk in walks:
        path = [node for node, _ in walk.steps]
        parts = {
            tuple(path[place : place + length])
            for length in range(shortest, shortest + longer + 1)
            for place in range(len(path) - length + 1)
        }
        for part in parts:
            taken[part].append(walk)
    rows = bright_paths(
        clickhouse, network, min_length=shortest, max_length=shortest + longer, min_journeys=least, limit=10_000
    )
    assert {tuple(row.path) for row in rows} == {path for path, of in taken.items() if len(of) >= least}
    converted = sum(walk.outcome == "converted" for walk in walks)
    for row in rows:
        of = taken[tuple(row.path)]
        successes = sum(walk.outcome == "converted" for walk in of)
        low, high = chain_oracle.wilson(successes, len(of))
        assert (row.journeys, row.converted) == (len(of), successes)
        assert row.people == len({walk.person for walk in of})
        assert (row.low, row.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
        assert row.base_conversion == pytest.approx(converted / len(walks))
        assert row.is_bright == (row.low > row.base_conversion)
        assert not converted or row.lift == pytest.approx(successes / len(of) / (converted / len(walks)))


@random_lives
@given(
    touches=lives(),
    changed=st.sampled_from(NAMES),
    days=st.integers(0, 60),
    horizon_days=st.integers(1, 40),
    following=st.none() | st.sampled_from(NAMES),
)
def test_knock_on_effects_are_those_of_the_oracle(
    clickhouse: Client, touches: list[Touch], changed: str, days: int, horizon_days: int, following: str | None
) -> None:
    network = Network(project=_stored(clickhouse, touches))
    changed_at, horizon, now = START + timedelta(days=days), timedelta(days=horizon_days), datetime.now(UTC)
    walks = network_oracle.walks(oracle.walks(touches).values(), now=now, within="journey")
    counts: dict[tuple[str, str], list[list[int]]] = defaultdict(lambda: [[0, 0], [0, 0]])
    for walk in walks:
        path, began = [node for node, _ in walk.steps], walk.steps[0][1]
        if began + horizon > now:
            continue
        success = walk.outcome == "converted" and walk.steps[-1][1] - began <= horizon
        judged = [("whole", "", success)]
        if changed in path:
            place = path.index(changed)
            goes_on = place + 1 < len(path) or walk.outcome == "converted"
            judged.append(("changed", changed, following in path[place + 1 :] if following else goes_on))
            judged += [("later", node, success) for node in {*path[place + 1 :]} - {changed}]
        for role, node, succeeded in judged:
            count = counts[role, node][began >= changed_at]
            count[0] += succeeded
            count[1] += 1
    rows = knock_on(
        clickhouse, changed, changed_at, network, next_node=following, horizon_seconds=horizon.total_seconds()
    )
    expected = {key for key, (one, two) in counts.items() if key[0] != "later" or (one[1] and two[1])}
    assert {(row.role, row.node) for row in rows} == expected
    for row in rows:
        before, after = (tuple(one) for one in counts[row.role, row.node])
        assert (row.journeys_before, row.journeys_after) == (before[1], after[1])
        if before[1] and after[1]:
            assert row.difference == pytest.approx(after[0] / after[1] - before[0] / before[1])
            low, high = chain_oracle.newcombe(before, after)
            assert (row.low, row.high) == (pytest.approx(low, abs=1e-9), pytest.approx(high, abs=1e-9))
            assert row.is_clear == (row.low > 0 or row.high < 0)


def test_a_local_gain_that_harms_what_follows_shows(clickhouse: Client, project: str) -> None:
    changed_at = START + timedelta(days=1)
    touches = []
    for number in range(200):
        is_after = number >= 100
        place = number % 100
        path = ["product_viewed"]
        # Before, half go on and most of these order; after, nearly all go on and few order.
        if place < (95 if is_after else 50):
            path.append("product_added")
        if place < (20 if is_after else 45):
            path.append("order_completed")
        for step, name in enumerate(path):
            touches.append(touch(name, 86_400 * 2 * is_after + 60 * step, anonymous_id=f"a{number}"))
    store(clickhouse, project, touches)
    stitch(clickhouse)
    whole, changed, *later = knock_on(clickhouse, "product_viewed", changed_at, Network(project=project))
    assert (whole.rate_before, whole.rate_after, whole.is_clear) == (0.45, 0.2, True)
    assert (changed.rate_before, changed.rate_after, changed.is_clear) == (0.5, 0.95, True)
    assert changed.low > 0 > whole.high
    assert {row.node: row.is_clear for row in later} == {"product_added": True, "order_completed": False}


def test_what_is_rarely_visited_stands_together(clickhouse: Client, project: str) -> None:
    touches = [
        touch(f"page_{page}", 60 * page, anonymous_id=f"a{person}") for person in range(3) for page in range(person + 8)
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    rows = nodes(clickhouse, Network(project=project), max_nodes=3)
    assert [(row.node, row.visits) for row in rows] == [("(other)", 18), ("page_0", 3), ("page_1", 3), ("page_2", 3)]
    assert sum(row.entries for row in rows) == rows[0].journeys
    assert sum(row.lost for row in rows) == 3
    with pytest.raises(DatabaseError, match="max_nodes is 1 to 300"):
        nodes(clickhouse, Network(project=project), max_nodes=301)


def test_people_of_what_stands_together_count_once(clickhouse: Client, project: str) -> None:
    rare = ("email_opened", "ad_impression", "store_visited")
    _tell(
        clickhouse,
        project,
        *((name, at, who, {}) for who in "ab" for at, name in enumerate(("page_viewed",) * 3 + rare)),
    )
    rows = nodes(clickhouse, Network(project=project), max_nodes=1)
    assert {row.node: (row.visits, row.people) for row in rows} == {"page_viewed": (6, 2), "(other)": (6, 2)}


@pytest.mark.parametrize("collapse", [False, True])
def test_only_the_conversion_itself_is_no_part_of_a_bright_path(
    clickhouse: Client, project: str, collapse: bool
) -> None:
    for number in range(4):
        _tell(clickhouse, project, ("product_viewed", 0, f"c{number}", {}), ("order_completed", 9, f"c{number}", {}))
        lost = (("product_viewed", 0, f"l{number}", {}), ("email_opened", 9, f"l{number}", {"channel": "email"}))
        _tell(clickhouse, project, *lost)
    rows = bright_paths(clickhouse, Network(project=project, node="channel", collapse=collapse), min_journeys=1)
    assert {tuple(row.path): (row.journeys, row.converted) for row in rows} == {
        ("web",): (8, 4), ("email",): (4, 0), ("web", "email"): (4, 0),
    }  # fmt: skip


def test_a_conversion_without_a_stage_takes_no_stage_off_its_path(clickhouse: Client, project: str) -> None:
    write_kind(clickhouse, project, Kind("deal_closed", conversion=True))
    _tell(
        clickhouse, project, ("product_viewed", 0, "a", {}), ("deal_closed", 9, "a", {}), ("product_viewed", 0, "b", {})
    )
    (row,) = bright_paths(clickhouse, Network(project=project, node="stage"), min_journeys=1)
    assert (row.path, row.journeys, row.converted) == (["consideration"], 2, 1)


def test_what_lost_journeys_brought_is_not_what_a_conversion_is_worth(clickhouse: Client, project: str) -> None:
    _tell(
        clickhouse,
        project,
        ("order_completed", 0, "a", {"revenue": "100", "currency": "EUR"}),
        ("fee_charged", 0, "b", {"revenue": "900", "currency": "EUR"}),
        ("product_viewed", 0, "c", {}),
    )
    rows = black_holes(clickhouse, Network(project=project), with_value=True)
    assert {row.node: row.lost_value for row in rows} == {"fee_charged": 100, "product_viewed": 100}


def test_a_journey_without_any_such_node_is_one_of_the_whole(clickhouse: Client, project: str) -> None:
    _tell(
        clickhouse,
        project,
        ("product_viewed", 0, "a", {"properties": {"shelf": "tea"}}),
        ("order_completed", 9, "a", {}),
        ("product_viewed", 0, "b", {"properties": {"shelf": "tea"}}),
        *(("ad_impression", 0, f"c{number}", {}) for number in range(8)),
    )
    network = Network(project=project, node="properties.shelf")
    (tea,) = nodes(clickhouse, network)
    assert (tea.visits, tea.journeys, tea.base_conversion, tea.conversion_probability) == (2, 10, 0.1, 0.5)
    assert (tea.reach_probability, tea.removal_effect, tea.conversion_if_mended) == pytest.approx((0.2, 1, 0.2))
    (hole,) = black_holes(clickhouse, network)
    assert (hole.lost, hole.lost_share) == (1, pytest.approx(1 / 9))
    whole, changed = knock_on(clickhouse, "tea", START - timedelta(days=1), network)
    assert (whole.journeys_after, whole.rate_after, changed.journeys_after) == (10, 0.1, 2)
    (bright,) = bright_paths(clickhouse, network, min_journeys=1)
    assert (bright.path, bright.base_conversion, bright.lift) == (["tea"], 0.1, pytest.approx(5))


def test_a_property_may_say_what_the_chain_calls_its_states(clickhouse: Client, project: str) -> None:
    words = ("(start)", "(converted)", "(lost)", "\x00")
    _tell(
        clickhouse,
        project,
        *(("page_viewed", at, "a", {"properties": {"word": word}}) for at, word in enumerate(words)),
    )
    rows = nodes(clickhouse, Network(project=project, node="properties.word"))
    assert {row.node: (row.visits, row.entries, row.converted, row.lost) for row in rows} == {
        word: (1, word == words[0], 0, word == words[-1]) for word in words
    }
    assert {(row.journeys, row.base_conversion) for row in rows} == {(1, 0)}


def test_a_stage_move_pauses_from_stage_to_stage_whatever_lies_between(clickhouse: Client, project: str) -> None:
    between = ("chat_opened", 50, "a", {})
    _tell(clickhouse, project, ("product_viewed", 0, "a", {}), between, ("order_completed", 100, "a", {}))
    assert [row.median_seconds for row in stage_moves(clickhouse, project=project, max_gap_seconds=100)] == [100]
    assert not stage_moves(clickhouse, project=project, max_gap_seconds=60)


def test_three_hundred_nodes_are_solved(clickhouse: Client, project: str) -> None:
    touches = [
        touch(f"page_{page}", 60 * page + 3600 * 24 * 40 * turn, anonymous_id="a")
        for turn in range(2)
        for page in range(400)
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    rows = nodes(clickhouse, Network(project=project), max_nodes=300)
    assert len(rows) == 301
    assert all(0 <= row.reach_probability <= 1.000001 for row in rows)


def _tell(client: Client, project: str, *told: tuple[str, float, str, dict[str, object]]) -> None:
    """Store touchpoints told as name, second, person, and what else their rows hold."""
    store_rows(
        client,
        [
            touchpoint_rows.row(touch(name, at, user_id=who), project) | {"revenue": None} | held
            for name, at, who, held in told
        ],
    )
    stitch(client)


def _stored(client: Client, touches: list[Touch]) -> str:
    project = f"test-{uuid.uuid4().hex[:12]}"
    store(client, project, touches)
    stitch(client)
    return project


def _fields(network: Network) -> dict[str, object]:
    return {name: getattr(network, name) for name in ("node", "groups", "collapse", "from_at", "to_at")}


def test_the_only_project_need_not_be_named(clickhouse_apart: Client) -> None:
    store(
        clickhouse_apart, "shop", [touch("product_viewed", 0, user_id="a"), touch("order_completed", 60, user_id="a")]
    )
    stitch(clickhouse_apart)
    one = nodes(clickhouse_apart, Network(project="shop"))
    assert list(nodes(clickhouse_apart)) == list(one)
    assert [row.node for row in one] == ["order_completed", "product_viewed"]
    assert clickhouse_apart.query("SELECT count() FROM journeys_numbered()").result_rows == [(1,)], "told by numbers"
    store(
        clickhouse_apart, "other", [touch("product_viewed", 0, user_id="b"), touch("order_completed", 9, user_id="b")]
    )
    stitch(clickhouse_apart)
    assert clickhouse_apart.query("SELECT count() FROM journeys_numbered()").result_rows == [(0,)], "told by words"
    assert [row.visits for row in nodes(clickhouse_apart)] == [2, 2]
    assert list(nodes(clickhouse_apart, Network(project="shop"))) == list(one)
