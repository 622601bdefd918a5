"""What happens to an accepted touchpoint before it is kept: a fixed tuple of named steps over its row.

A row is what ClickHouse will read, one key a column of `touchpoints`. A step changes the row in place. The order
matters: nothing after `hash_identifiers` and `redact_clear_identifiers` sees an e-mail address or a phone number in
clear.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from parcours_collector.intake.enrichment import CountryOf, enrich, nowhere
from parcours_collector.intake.identifier_keys import IdentifierKeys
from parcours_collector.intake.privacy import USUAL_POLICY, Policy
from parcours_schemas.identifiers import (
    HASHED_KINDS,
    hash_ids,
    is_placeholder,
    may_hold_clear_identifiers,
    redact_clear_identifiers,
)
from parcours_schemas.money import revenue_of
from parcours_schemas.validation import Accepted

Row = dict[str, Any]

OTHER_CHANNEL = "other"
"""Where a touchpoint happened that neither says it nor is known (`unknown_names = "allow"`)."""


NORMALISED_KINDS = frozenset({*HASHED_KINDS, *HASHED_KINDS.values()})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the steps know besides the touchpoint: who sent it when, and the project's settings.

    `may_hold_clear_identifiers` is said of the request as a whole: one look at its bytes spares a look at each event.
    """

    project: str
    source: str
    received_at: datetime
    sent_at: datetime | None
    may_hold_clear_identifiers: bool
    identifier_keys: IdentifierKeys
    phone_region: str | None
    clock_tolerance: timedelta
    max_skew: timedelta = timedelta(days=7)
    policy: Policy = USUAL_POLICY
    gpc: bool = False
    enriches: bool = True
    country_of: CountryOf = nowhere
    peer_address: str = ""

    @property
    def sender_now(self) -> datetime:
        """What the sender's clock may say at most: ours, or its own where that is ahead and will be corrected."""
        if self.sent_at is not None and timedelta(0) < self.sent_at - self.received_at <= self.max_skew:
            return self.sent_at
        return self.received_at


Step = Callable[[Row, Accepted, Circumstances], None]


def first_row(accepted: Accepted, around: Circumstances) -> Row:
    """Return the row of a touchpoint as it came in."""
    return {
        "project": around.project,
        "source": around.source,
        "id": accepted.id,
        "name": accepted.name,
        "schema_version": accepted.schema_version,
        "channel": accepted.channel or OTHER_CHANNEL,
        "occurred_at": accepted.occurred_at,
        "client_occurred_at": accepted.occurred_at,
        "sent_at": around.sent_at,
        "received_at": around.received_at,
        "ids": accepted.ids,
        "placeholders": [],
        "context": accepted.context,
        "properties": accepted.properties,
        "consent": accepted.consent,
        "enrichment": {},
        "revenue": None,
        "currency": "",
    }


def enrich_circumstances(row: Row, accepted: Accepted, around: Circumstances) -> None:
    """Derive campaign, click ids, referrer, browser, bot and country; before anything of them is shortened."""
    if around.enriches and (row["context"] or around.peer_address):
        enrich(row, accepted, around)


def honour_choice(row: Row, accepted: Accepted, around: Circumstances) -> None:
    """Leave what the person's choice and the project's policy leave."""
    around.policy.apply(row, around.policy.verdict(accepted.consent, accepted.context, gpc=around.gpc))


def hash_identifiers(row: Row, _accepted: Accepted, around: Circumstances) -> None:
    """Replace the e-mail addresses and phone numbers among the identifiers by their keyed hashes."""
    if not NORMALISED_KINDS.isdisjoint(row["ids"]):
        newest, *former = around.identifier_keys.in_use
        row["ids"] = hash_ids(row["ids"], newest, around.phone_region, former_keys=former)


def redact_clear_identifiers_elsewhere(row: Row, _accepted: Accepted, around: Circumstances) -> None:
    """Replace e-mail addresses and phone numbers that stand in any other place: other identifiers, URLs, properties."""
    if not around.may_hold_clear_identifiers:
        return
    held = {part: row[part] for part in ("ids", "context", "properties", "enrichment")}
    if may_hold_clear_identifiers(orjson.dumps(held)):
        for part, value in held.items():
            row[part] = redact_clear_identifiers(value, around.identifier_keys.newest, region=around.phone_region)


def mark_placeholders(row: Row, _accepted: Accepted, _around: Circumstances) -> None:
    """Name the values among the identifiers that identify nobody, so that they join nobody."""
    row["placeholders"] = [value for values in row["ids"].values() for value in values if is_placeholder(value)]


def correct_clock(row: Row, _accepted: Accepted, around: Circumstances) -> None:
    """Move the time by as much as the sender's clock differs from ours, when it differs by more than the tolerance.

    A clock that is wrong by more than the most there may be says nothing about when something happened: left alone.
    """
    if around.sent_at is None:
        return
    skew = around.received_at - around.sent_at
    if around.clock_tolerance < abs(skew) <= around.max_skew:
        row["occurred_at"] = min(row["occurred_at"] + skew, around.received_at)


def take_revenue(row: Row, accepted: Accepted, _around: Circumstances) -> None:
    """Copy the money that the touchpoint declares into columns of its own."""
    if accepted.declaration is None:
        return
    money = revenue_of(accepted.declaration, accepted.properties)
    if money is not None:
        row["revenue"], row["currency"] = str(money[0]), money[1]


STEPS: tuple[Step, ...] = (
    enrich_circumstances,
    honour_choice,
    hash_identifiers,
    redact_clear_identifiers_elsewhere,
    mark_placeholders,
    correct_clock,
    take_revenue,
)
"""Everything that happens between validation and the log, in order."""


def run_steps(accepted: Accepted, around: Circumstances) -> Row:
    """Return the row that is kept."""
    row = first_row(accepted, around)
    for step in STEPS:
        step(row, accepted, around)
    return row
