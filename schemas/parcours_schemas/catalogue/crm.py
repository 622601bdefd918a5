"""What a sales team does with a person: lead, call, meeting, quote, contract."""

from parcours_schemas.fields import Amount, Count, Currency, Day, Measure, Moment, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class LeadCreated(Priced, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.CRM):
    """Someone became a lead."""

    lead_id: Reference
    lead_source: Text | None = None
    pipeline: Text | None = None
    value: Amount | None = None
    score: Measure | None = None


class LeadStageChanged(Priced, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.CRM):
    """A lead moved in the pipeline, forward or back."""

    lead_id: Reference
    to_stage: Text
    from_stage: Text | None = None
    pipeline: Text | None = None
    value: Amount | None = None
    reason: Text | None = None


class _Call(Touchpoint):
    """Properties of a telephone call. The number stands in `ids` as `phone`."""

    call_id: Reference | None = None
    duration_seconds: Measure | None = None
    agent_id: Reference | None = None
    topic: Text | None = None
    outcome: Text | None = None


class CallMade(_Call, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.CALL):
    """The brand called the person."""


class CallReceived(_Call, stage=Stage.CONSIDERATION, need=Need.GET_HELP, channel=Channel.CALL):
    """The person called the brand."""

    waited_seconds: Measure | None = None


class CallAbandoned(_Call, stage=Stage.USE, need=Need.GET_HELP, channel=Channel.CALL, valence=Valence.PAIN):
    """The person hung up before anyone answered."""

    waited_seconds: Measure | None = None


class _Meeting(Touchpoint):
    """Properties of a meeting."""

    meeting_id: Reference
    starts_at: Moment | None = None
    topic: Text | None = None
    place: Text | None = None


class MeetingBooked(_Meeting, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.CRM):
    """A meeting was agreed on."""


class MeetingHeld(_Meeting, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.CRM):
    """A meeting took place."""

    duration_seconds: Measure | None = None
    outcome: Text | None = None


class QuoteSent(Priced, stage=Stage.PURCHASE, need=Need.DECIDE, channel=Channel.CRM):
    """The person was sent a quote."""

    quote_id: Reference
    lead_id: Reference | None = None
    total: Amount | None = None
    valid_until: Day | None = None


class ContractSigned(
    Priced,
    stage=Stage.PURCHASE,
    need=Need.BUY,
    channel=Channel.CRM,
    valence=Valence.DELIGHT,
    conversion=True,
    revenue_property="total",
):
    """The person signed. `total` is what the contract is worth."""

    contract_id: Reference
    total: Amount
    currency: Currency
    quote_id: Reference | None = None
    lead_id: Reference | None = None
    term_months: Count | None = None
    starts_on: Day | None = None


class ContractRenewed(
    Priced,
    stage=Stage.LOYALTY,
    need=Need.USE,
    channel=Channel.CRM,
    valence=Valence.DELIGHT,
    conversion=True,
    revenue_property="total",
):
    """The person renewed their contract. `total` is what the new term is worth."""

    contract_id: Reference
    total: Amount
    currency: Currency
    term_months: Count | None = None
    starts_on: Day | None = None
