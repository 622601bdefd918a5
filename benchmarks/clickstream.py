"""A shop's past in the table `touchpoints`, made inside ClickHouse by hashes: the same people and days at every run.

Nine people in ten are one device; the tenth has two devices and an account, which meet on some of their touchpoints, so
that stitching joins three identifiers. Everybody comes on three days in a row, days arrive in order, as they do, and
the materialized views collect the evidence as for any insert.
"""

from clickhouse_connect.driver.client import Client

PROJECT = "benchmark"
DAYS = 60
STEPS = ("page_viewed", "product_viewed", "product_added", "order_completed")
WINDOW_SECONDS = 7 * 86_400

_DAY = """
INSERT INTO touchpoints
(
    project, source, id, name, schema_version, channel, occurred_at, client_occurred_at, received_at,
    ids, context, properties, consent
)
WITH
    {day:UInt32} * {rows:UInt32} + number AS event,
    -- Of the people whose three days hold this one.
    toUInt32(intHash64(event) % intDiv({people:UInt32}, {days:UInt32})) * {days:UInt32}
        + ({day:UInt32} + {days:UInt32} - toUInt32(intHash64(event + 1000000007) % 3)) % {days:UInt32} AS person,
    toUInt64(1767225600000) + toUInt64({day:UInt32}) * 86400000 + intHash64(event + 2000000011) % 86400000 AS at_ms,
    fromUnixTimestamp64Milli(toInt64(at_ms), 'UTC') AS at,
    leftPad(lower(hex(at_ms)), 12, '0') AS time_digits,
    lower(hex(sipHash128(event))) AS noise,
    person % 10 = 0 AS is_known,
    intHash64(event + 3000000019) % 4 = 0 AS is_signed_in,
    format('d-{0}-{1}', toString(person), if(is_known, toString(intHash64(event + 4000000007) % 2), '0')) AS device,
    intHash64(event + 5000000029) % 100 AS dice
SELECT
    {project:String},
    'site',
    toUUID(concat(
        substring(time_digits, 1, 8), '-', substring(time_digits, 9, 4), '-7', substring(noise, 1, 3),
        '-8', substring(noise, 4, 3), '-', substring(noise, 7, 12)
    )),
    multiIf(
        dice < 30, 'page_viewed', dice < 55, 'product_viewed', dice < 65, 'product_added', dice < 70, 'order_completed',
        dice < 80, 'product_list_viewed', dice < 88, 'ad_clicked', dice < 95, 'email_opened', 'store_visited'
    ),
    '1-0-0',
    multiIf(dice < 80, 'web', dice < 88, 'ads', dice < 95, 'email', 'store'),
    at,
    at,
    fromUnixTimestamp64Micro(toInt64(at_ms + 1000) * 1000, 'UTC'),
    if(
        is_known AND is_signed_in,
        map('anonymous_id', [device], 'user_id', [format('u-{0}', toString(person))]),
        map('anonymous_id', [device])
    ),
    '{"url":"https://shop.example/"}',
    '{"product_id":"tv-55"}',
    map('analytics', true)
FROM numbers({rows:UInt64})
"""


def fill(client: Client, *, touchpoints: int, people: int) -> None:
    """Insert so many touchpoints of so many people, day by day."""
    parameters = {"rows": touchpoints // DAYS, "people": people, "days": DAYS, "project": PROJECT}
    for day in range(DAYS):
        client.command(_DAY, parameters={**parameters, "day": day})
