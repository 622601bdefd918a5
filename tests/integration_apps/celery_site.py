"""The site that sends the shop's tasks, each for somebody else, and waits for them."""

import parcours
from tests.integration_apps.celery_shop import app, charge, hold, lose, refund, ship

RESULT_SECONDS = 60


def main() -> None:
    with parcours.context(user_id="u1", campaign={"source": "news"}, consent={"analytics": True}):
        sent = [charge.delay("direct"), refund.delay("retried")]
        chained = ship.delay("onward")
        charge.apply(("eager",))
    with parcours.context(user_id="u2"):
        failed = lose.delay("failed")
    charge.delay("nobody").get(RESULT_SECONDS)
    for result in sent:
        result.get(RESULT_SECONDS)
    app.AsyncResult(chained.get(RESULT_SECONDS)).get(RESULT_SECONDS)
    assert isinstance(failed.get(RESULT_SECONDS, propagate=False), LookupError)
    pids: set[int] = set()
    held = 0
    while len(pids) < 2:
        pair = [hold.delay(), hold.delay()]
        pids.update(result.get(RESULT_SECONDS) for result in pair)
        held += 2
    print(held)  # noqa: T201 - the answer to the test


if __name__ == "__main__":
    main()
