"""Tasks of a shop, for a worker."""

import os
import time

from celery import Celery, Task

from parcours import Tracker
from parcours.integrations.celery import install

app = Celery("shop", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True, result_expires=60)
tracker = Tracker(linger_seconds=60)
install(tracker)
HOLD_SECONDS = 0.3


@app.task
def charge(order_id: str) -> None:
    tracker.track("charged", {"order_id": order_id, "pid": os.getpid()})


@app.task
def ship(order_id: str) -> str:
    tracker.track("shipped", {"order_id": order_id})
    return str(charge.delay(order_id).id)


@app.task(bind=True)
def refund(self: Task, order_id: str) -> None:
    tracker.track("refund_tried", {"order_id": order_id})
    if self.request.retries == 0:
        raise self.retry(countdown=0)


@app.task
def lose(order_id: str) -> None:
    tracker.track("lost", {"order_id": order_id})
    raise LookupError("the host's own fault")


@app.task
def hold() -> int:
    tracker.track("held", {"pid": os.getpid()})
    time.sleep(HOLD_SECONDS)
    return os.getpid()
