"""A project's policy: what may not join does not, whatever the order and the pieces in which evidence comes."""

import random

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas.identity import blocked
from parcours_collector.warehouse.identity_policy import RECOMMENDED, KindPolicy, read_policy, write_policy
from parcours_collector.warehouse.stitching import stitch
from tests.identity_oracle import CLASSES, keys_of, people_by
from tests.oracle import Touch
from tests.test_stitching import fresh_project, people_of, real_engine
from tests.touchpoint_rows import lives, store, touch

POLICIES = st.fixed_dictionaries(
    {
        "user_id": st.builds(KindPolicy, st.just("user_id"), st.just("strong"), max_per_person=st.integers(0, 2)),
        "loyalty_card": st.builds(
            KindPolicy, st.just("loyalty_card"), st.sampled_from(CLASSES), st.integers(0, 2), st.integers(0, 2)
        ),
        "anonymous_id": st.builds(
            KindPolicy,
            st.just("anonymous_id"),
            st.sampled_from(("medium", "weak")),
            max_strong=st.integers(0, 2),
            blocked=st.sampled_from(((), ("=anonymous_id-0",), ("-[01]$",))),
        ),
        "*": st.builds(KindPolicy, st.just("*"), max_per_person=st.sampled_from((0, 3, 5))),
    }
).map(lambda chosen: list(chosen.values()))


@settings(real_engine, phases=[Phase.generate])
@given(touches=lives(max_touches=8), policies=POLICIES, cut=st.integers(0, 40), order=st.randoms(use_true_random=False))
def test_people_are_what_the_policy_says_of_the_evidence_in_any_order_and_pieces(
    clickhouse: Client, touches: list[Touch], policies: list[KindPolicy], cut: int, order: random.Random
) -> None:
    project = fresh_project()
    write_policy(clickhouse, project, policies)
    arriving = order.sample(touches, len(touches))
    for piece in (arriving[:cut], arriving[cut:]):
        if piece:
            store(clickhouse, project, piece)
            stitch(clickhouse)
    found = people_of(clickhouse, project)
    assert set(found.values()) == people_by(touches, policies, keys_of(clickhouse, project))
    stitch(clickhouse, full=True)
    assert people_of(clickhouse, project) == found


def test_a_kiosk_joins_nobody_once_it_is_known_as_one_and_the_joined_part_again(
    clickhouse: Client, project: str
) -> None:
    write_policy(
        clickhouse,
        project,
        [KindPolicy("user_id", "strong"), KindPolicy("device_id", "weak", max_strong=2)],
    )
    store(clickhouse, project, [touch("store_visited", n, device_id="till", user_id=f"u{n}") for n in range(2)])
    stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 1
    store(clickhouse, project, [touch("store_visited", 9, device_id="till", user_id="u9")])
    stitch(clickhouse)
    assert sorted(map(len, people_of(clickhouse, project).values())) == [1, 1, 1, 1]


def test_a_policy_that_changes_is_heard_at_the_next_stitching(clickhouse: Client, project: str) -> None:
    store(clickhouse, project, [touch("identified", n, anonymous_id="a", user_id=f"u{n}") for n in range(2)])
    stitch(clickhouse)
    assert len(people_of(clickhouse, project)) == 1
    limited = KindPolicy("user_id", "strong", max_per_person=1)
    write_policy(clickhouse, project, [limited])
    assert read_policy(clickhouse, project) == [limited]
    stitch(clickhouse)
    assert {frozenset({("anonymous_id", "a"), ("user_id", "u0")}), frozenset({("user_id", "u1")})} == set(
        people_of(clickhouse, project).values()
    ), "the older evidence stands"
    refused = "SELECT a_value, b_value, touchpoints FROM identity_refused WHERE project = {project:String}"
    ((a, b, count),) = clickhouse.query(refused, parameters={"project": project}).result_rows
    assert ({a, b}, count) == ({"a", "u1"}, 1)


def test_by_the_recommended_rules_an_account_is_a_person_and_a_till_joins_nobody(
    clickhouse: Client, project: str
) -> None:
    write_policy(clickhouse, project, RECOMMENDED)
    assert set(read_policy(clickhouse, project)) == set(RECOMMENDED)
    store(
        clickhouse,
        project,
        [
            touch("identified", 0, anonymous_id="phone", user_id="ada"),
            touch("identified", 1, anonymous_id="phone", user_id="bob"),
            touch("identified", 2, user_id="ada", loyalty_card="card", email_sha256="her address"),
            touch("identified", 3, anonymous_id="laptop", email_sha256="her address"),
            *(touch("identified", 20 + n, anonymous_id="phone", crm_contact=f"c{n}") for n in range(3)),
            *(touch("identified", 30 + n, anonymous_id="phone", loyalty_card=f"card-{n}") for n in range(2)),
            *(touch("store_visited", 40 + n, device_id="till", user_id=f"u{n}") for n in range(8)),
        ],
    )
    stitch(clickhouse)
    people = set(people_of(clickhouse, project).values())
    ada = {
        *(("anonymous_id", "phone"), ("anonymous_id", "laptop"), ("user_id", "ada"), ("email_sha256", "her address")),
        *(("crm_contact", f"c{n}") for n in range(3)),
        *(("loyalty_card", card) for card in ("card", "card-0", "card-1")),
    }
    assert frozenset(ada) in people, "seven strong identifiers were seen with the phone, bob's among them"
    assert {frozenset({("user_id", name)}) for name in ("bob", *(f"u{n}" for n in range(8)))} <= people
    assert frozenset({("device_id", "till")}) in people


@pytest.mark.parametrize("middle", ["anonymous", "weak-2", "weak-3"])
def test_two_strong_identifiers_stay_joined_when_the_third_beside_them_is_left_out(
    clickhouse: Client, project: str, middle: str
) -> None:
    write_policy(clickhouse, project, [KindPolicy("device_id", "weak", blocked=("=" + middle,))])
    store(clickhouse, project, [touch("identified", 0, device_id=middle, user_id="u", loyalty_card="c")])
    stitch(clickhouse)
    assert frozenset({("user_id", "u"), ("loyalty_card", "c")}) in set(people_of(clickhouse, project).values())


def test_what_is_blocked_is_told_in_python_as_in_the_view(clickhouse: Client, project: str) -> None:
    policies = [KindPolicy("user_id", blocked=("=test",)), KindPolicy("*", blocked=("^x+$",))]
    write_policy(clickhouse, project, policies)
    told = [("user_id", "test"), ("anonymous_id", "xxx"), ("user_id", "tester"), ("anonymous_id", "test")]
    for name in (project, f"{project}-without-policy"):
        store(clickhouse, name, [touch("identified", n, **{kind: value}) for n, (kind, value) in enumerate(told)])
    stitch(clickhouse)
    said = blocked(clickhouse, project=project)
    assert [(row.kind, row.value) for row in said] == [("anonymous_id", "xxx"), ("user_id", "test")]
    by_hand = clickhouse.query(
        "SELECT project, identifier, kind, value FROM identity_blocked WHERE startsWith(project, {project:String}) "
        "ORDER BY kind",
        parameters={"project": project},
    ).result_rows
    assert [(row.project, row.identifier, row.kind, row.value) for row in said] == by_hand
    assert list(blocked(clickhouse, project=project, limit=1)) == [said[0]]
