"""A till, a kiosk, a family's tablet: they join nobody, and what happens there goes to people by time slice."""

import os
import random
from datetime import timedelta

from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from parcours_collector.atlas import questions
from parcours_collector.atlas.identity import apart, refused
from parcours_collector.warehouse.identity_cuts import Identifier, cut, take_back
from parcours_collector.warehouse.identity_policy import KindPolicy, write_policy
from parcours_collector.warehouse.indexing import JourneyIndex
from parcours_collector.warehouse.retention import delete_expired, expired
from parcours_collector.warehouse.stitching import stitch
from tests.identity_oracle import CLASSES, keys_of, owners_by
from tests.oracle import Touch
from tests.test_journey_index import assert_exact
from tests.test_stitching import fresh_project
from tests.touchpoint_rows import IDENTIFIERS, START, lives, store, touch

random_lives = settings(
    max_examples=int(os.environ.get("SHARED_EXAMPLES", "6")),
    deadline=None,
    phases=(Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_TILL = [KindPolicy("user_id", "strong"), KindPolicy("device_id", "weak", max_strong=1)]
_DAY = 86_400


def owners(client: Client, project: str) -> dict[str, str]:
    """The value of the identifier whose each touchpoint is, by name."""
    rows = client.query(
        "SELECT t.name, p.value FROM touchpoints_unique AS t "
        "INNER JOIN (SELECT * FROM identity_persons FINAL) AS p ON p.identifier = t.owner "
        "WHERE t.project = {project:String}",
        parameters={"project": project},
    ).result_rows
    return dict(rows)


POLICIES = st.tuples(
    st.builds(KindPolicy, st.just("user_id"), st.sampled_from(("strong", "medium")), max_per_person=st.integers(0, 1)),
    st.builds(KindPolicy, st.just("loyalty_card"), st.sampled_from(CLASSES), st.integers(0, 2), st.integers(0, 2)),
    st.builds(
        KindPolicy,
        st.just("anonymous_id"),
        st.just("weak"),
        max_strong=st.integers(0, 1),
        window_seconds=st.sampled_from((0, 60, 1_800, _DAY)),
        blocked=st.sampled_from(((), ("=anonymous_id-0",))),
    ),
)


@random_lives
@given(
    touches=lives(max_touches=14),
    policies=POLICIES,
    told=st.lists(st.sampled_from(IDENTIFIERS), max_size=2, unique=True),
    piece=st.integers(0, 14),
    order=st.randoms(use_true_random=False),
)
def test_every_touchpoint_is_of_the_owner_that_the_rules_give_it_however_it_arrives(
    clickhouse: Client,
    touches: list[Touch],
    policies: tuple[KindPolicy, ...],
    told: list[Identifier],
    piece: int,
    order: random.Random,
) -> None:
    project = fresh_project()
    write_policy(clickhouse, project, policies)
    index = JourneyIndex(clickhouse, linger_seconds=0)
    arriving = order.sample(touches, len(touches))
    for part in (arriving[:piece], arriving[piece:]):
        store(clickhouse, project, part)
        if order.random() < 0.5:
            index.refresh()
        stitch(clickhouse)
        assert_exact(clickhouse, project)
    told = [one for one in told if one in keys_of(clickhouse, project)]
    for one in told:
        cut(clickhouse, project, one, reason="passed from hand to hand")
    index.refresh()
    assert_owned(clickhouse, project, owners_by(touches, list(policies), keys_of(clickhouse, project), cut=told))
    for one in told:
        take_back(clickhouse, project, one)
    assert_owned(clickhouse, project, owners_by(touches, list(policies), keys_of(clickhouse, project)))
    index.rebuild()
    assert_exact(clickhouse, project)


def assert_owned(client: Client, project: str, expected: dict[object, Identifier]) -> None:
    """Every touchpoint's person is that of the owner it should have, in every view."""
    person = {
        (kind, value): person
        for kind, value, person in client.query(
            "SELECT kind, value, dictGetOrDefault('parcours.person_of', 'person_id', identifier, identifier) "
            "FROM identity_persons FINAL WHERE project = {project:String}",
            parameters={"project": project},
        ).result_rows
    }
    found = client.query(
        "SELECT id, person_id FROM touchpoints_unique WHERE project = {project:String} AND person_id != 0",
        parameters={"project": project},
    ).result_rows
    assert dict(found) == {touched: person[owner] for touched, owner in expected.items()}
    assert_exact(client, project)
    if not person:
        return
    kind, value = min(person)
    rows = client.query(
        "SELECT id FROM person_timeline(kind = {kind:String}, value = {value:String}, project = {project:String})",
        parameters={"kind": kind, "value": value, "project": project},
    ).result_rows
    assert {row[0] for row in rows} == {
        touched for touched, own in expected.items() if person[own] == person[kind, value]
    }


def test_what_happens_at_a_till_is_of_whoever_showed_their_card_there_last(clickhouse: Client, project: str) -> None:
    write_policy(clickhouse, project, _TILL)
    touches = [
        touch("before_ada", 0, device_id="till"),
        touch("ada_known", 60, device_id="till", user_id="ada"),
        touch("after_ada", 120, device_id="till"),
        touch("bob_known", 180, device_id="till", user_id="bob"),
        touch("after_bob", 240, device_id="till"),
        touch("next_morning", _DAY, device_id="till"),
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    assert owners(clickhouse, project) == {
        "before_ada": "ada",
        "ada_known": "ada",
        "after_ada": "ada",
        "bob_known": "bob",
        "after_bob": "bob",
        "next_morning": "till",
    }
    assert [(one.kind, one.value, one.reason, one.strong) for one in apart(clickhouse, project=project)] == [
        ("device_id", "till", "shared", 2)
    ]
    told = refused(clickhouse, project=project)
    assert {frozenset((one.a_value, one.b_value)) for one in told} == {
        frozenset(("ada", "till")),
        frozenset(("bob", "till")),
    }
    steps = questions.funnel(clickhouse, ["before_ada", "ada_known", "after_ada"], project=project, window_seconds=_DAY)
    assert [step.people for step in steps] == [1, 1, 1]


def test_a_window_lets_a_family_tablet_be_one_persons_for_longer_than_a_session(
    clickhouse: Client, project: str
) -> None:
    tablet = KindPolicy("device_id", "weak", max_strong=1, window_seconds=_DAY)
    write_policy(clickhouse, project, [KindPolicy("user_id", "strong"), tablet])
    touches = [
        touch("ada_known", 0, device_id="tablet", user_id="ada"),
        touch("that_evening", _DAY / 2, device_id="tablet"),
        touch("two_days_on", 2 * _DAY, device_id="tablet"),
        touch("bob_known", 2 * _DAY + 60, device_id="tablet", user_id="bob"),
    ]
    store(clickhouse, project, touches)
    stitch(clickhouse)
    assert owners(clickhouse, project) == {
        "ada_known": "ada",
        "that_evening": "ada",
        "two_days_on": "bob",
        "bob_known": "bob",
    }


def test_late_evidence_moves_the_slices_behind_it(clickhouse: Client, project: str) -> None:
    write_policy(clickhouse, project, _TILL)
    store(
        clickhouse,
        project,
        [
            touch("ada_known", 0, device_id="till", user_id="ada"),
            touch("bob_known", 10, device_id="till", user_id="bob"),
            touch("afterwards", 300, device_id="till"),
        ],
    )
    stitch(clickhouse)
    assert owners(clickhouse, project)["afterwards"] == "bob"
    store(clickhouse, project, [touch("ada_again", 200, device_id="till", user_id="ada")])
    stitch(clickhouse)
    assert owners(clickhouse, project)["afterwards"] == "ada"
    assert_exact(clickhouse, project)


def test_who_owned_what_goes_when_its_touchpoints_are_no_longer_kept(clickhouse_apart: Client, project: str) -> None:
    write_policy(clickhouse_apart, project, _TILL)
    held = [
        touch("known", day * _DAY + n, device_id="till", user_id=user)
        for day in (0, 60)
        for n, user in enumerate(("ada", "bob"))
    ]
    store(clickhouse_apart, project, [*held, touch("afterwards", 9, device_id="till")])
    stitch(clickhouse_apart)
    count = "SELECT count() FROM touchpoint_owners FINAL WHERE project = {project:String} AND identifier != 0"
    ((before,),) = clickhouse_apart.query(count, parameters={"project": project}).result_rows
    delete_expired(clickhouse_apart, expired(clickhouse_apart, project, 30, START + timedelta(days=60)))
    ((after,),) = clickhouse_apart.query(count, parameters={"project": project}).result_rows
    assert before > after
    assert set(owners(clickhouse_apart, project)) == {"known"}
    assert_exact(clickhouse_apart, project)


def test_a_stitching_that_died_before_the_index_was_told_is_finished_by_the_next(
    clickhouse: Client, project: str
) -> None:
    write_policy(clickhouse, project, _TILL)
    store(
        clickhouse,
        project,
        [
            touch("ada_known", 0, device_id="till", user_id="ada"),
            touch("bob_known", 10, device_id="till", user_id="bob"),
            touch("afterwards", 20, device_id="till"),
        ],
    )
    stitch(clickhouse)
    JourneyIndex(clickhouse, linger_seconds=0).refresh()
    ((run,),) = clickhouse.query("SELECT max(run) + 1 FROM stitching_runs").result_rows
    clickhouse.command(
        "INSERT INTO touchpoint_owners SELECT project, id, 0, {run:UInt64} FROM touchpoint_owners FINAL "
        "WHERE project = {project:String}",
        parameters={"run": run, "project": project},
    )
    stitch(clickhouse)
    assert owners(clickhouse, project)["afterwards"] == "bob"
    assert_exact(clickhouse, project)
