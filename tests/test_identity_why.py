"""Why two identifiers are one person: the chain of evidence in any order of arrival, and the command."""

import random
import subprocess
import sys

from clickhouse_connect.driver.client import Client
from hypothesis import given
from hypothesis import strategies as st

from parcours_collector.atlas.identity import Identifier, why
from parcours_collector.warehouse.identity_policy import KindPolicy, write_policy
from parcours_collector.warehouse.stitching import stitch
from tests.oracle import Touch
from tests.test_identity_policy import POLICIES
from tests.test_stitching import fresh_project, people_of, real_engine
from tests.touchpoint_rows import lives, store, touch


def steps_between(touches: list[Touch], one: Identifier, other: Identifier) -> int | None:
    """How few touchpoints lead from one identifier to another, widening the circle one touchpoint at a time."""
    reached, steps = {one}, 0
    while other not in reached:
        wider = reached.union(*(t.identifiers for t in touches if reached & set(t.identifiers)))
        if wider == reached:
            return None
        reached, steps = wider, steps + 1
    return steps


@real_engine
@given(touches=lives(max_touches=10), cut=st.integers(0, 10), order=st.randoms(use_true_random=False))
def test_any_two_identifiers_of_a_person_have_the_shortest_chain_of_evidence_and_no_others_have_one(
    clickhouse: Client, touches: list[Touch], cut: int, order: random.Random
) -> None:
    project = fresh_project()
    arriving = order.sample(touches, len(touches))
    for piece in (arriving[:cut], arriving[cut:]):
        if piece:
            store(clickhouse, project, piece)
            stitch(clickhouse)
    named = sorted({identifier for t in touches for identifier in t.identifiers})
    for one, other in [tuple(order.choices(named, k=2)) for _ in range(4)] if named else []:
        chain = why(clickhouse, one, other, project=project)
        steps = steps_between(touches, one, other)
        assert (None if chain is None else len(chain)) == steps
        here = one
        for link in chain or []:
            both = [t for t in touches if {link.one, link.other} <= set(t.identifiers)]
            assert link.one == here
            assert link.touchpoints == len(both)
            assert link.first_seen_at == min(t.occurred_at for t in both)
            assert link.last_seen_at == max(t.occurred_at for t in both)
            here = link.other
        if chain is not None:
            assert here == other


@real_engine
@given(touches=lives(max_touches=8), policies=POLICIES, order=st.randoms(use_true_random=False))
def test_under_a_policy_a_chain_is_there_exactly_between_identifiers_of_one_person_and_stays_inside_it(
    clickhouse: Client, touches: list[Touch], policies: list[KindPolicy], order: random.Random
) -> None:
    project = fresh_project()
    write_policy(clickhouse, project, policies)
    store(clickhouse, project, touches)
    stitch(clickhouse)
    person_of = {named: members for members in people_of(clickhouse, project).values() for named in members}
    for one, other in [order.choices(sorted(person_of), k=2) for _ in range(4)] if person_of else []:
        chain = why(clickhouse, one, other, project=project)
        assert (chain is not None) == (other in person_of[one])
        assert {end for link in chain or [] for end in (link.one, link.other)} <= person_of[one]


def test_no_chain_leads_through_a_till_that_joins_nobody(clickhouse: Client, project: str) -> None:
    write_policy(clickhouse, project, [KindPolicy("user_id", "strong"), KindPolicy("device_id", "weak", max_strong=1)])
    touches = [touch("store_visited", n, device_id="till", user_id=f"u{n}") for n in range(2)]
    store(clickhouse, project, [*touches, touch("identified", 9, user_id="u1", anonymous_id="phone")])
    stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 3
    assert why(clickhouse, ("user_id", "u0"), ("user_id", "u1"), project=project) is None
    (link,) = why(clickhouse, ("anonymous_id", "phone"), ("user_id", "u1"), project=project) or []
    assert link.classes == ("", "strong")


def test_the_command_prints_the_chain_and_says_when_there_is_none(
    clickhouse: Client, clickhouse_url: str, project: str
) -> None:
    store(
        clickhouse,
        project,
        [
            touch("identified", 0, anonymous_id="a", user_id="u"),
            touch("identified", 60, anonymous_id="a", user_id="u"),
            touch("order_completed", 120, user_id="u", loyalty_card="c"),
            touch("product_viewed", 180, anonymous_id="stranger"),
        ],
    )
    stitch(clickhouse)

    def asked(*pair: str) -> subprocess.CompletedProcess[str]:
        command = ["identity", "why", *pair, "--project", project, "--clickhouse-url", clickhouse_url]
        return subprocess.run(
            [sys.executable, "-m", "parcours_collector", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    shown = asked("anonymous_id=a", "loyalty_card=c")
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert lines[::2] == ["anonymous_id=a", "user_id=u", "loyalty_card=c"]
    assert "in 2 touchpoints, 2026-06-01 00:00:00 to 2026-06-01 00:01:00 UTC" in lines[1]
    assert "in 1 touchpoint, 2026-06-01 00:02:00 UTC" in lines[3]
    apart = asked("anonymous_id=a", "anonymous_id=stranger")
    assert (apart.returncode, "not one person" in apart.stdout) == (1, True)
    assert "KIND=VALUE" in asked("a", "b=c").stderr
