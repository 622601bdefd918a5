"""What every shop does alike: a tracker that lingers, so that only the end of a process delivers, and who is known."""

import os
import time
from collections.abc import Callable, Mapping

from parcours import Tracker
from parcours.integrations.web import WebTracking
from parcours.touchpoints import ProductViewed

PAGE = "<!doctype html><title>Shop</title><h1>Shop</h1>"
HOLD_SECONDS = 0.3
tracker = Tracker(linger_seconds=60)


def tracking(header: Callable[[object, str], str | None]) -> WebTracking:
    """Consent, the person and a callable that raises, each asked for by a header of the test."""

    def consent(request: object) -> Mapping[str, bool] | None:
        said = header(request, "X-Consent")
        return None if said is None else {"analytics": said == "yes"}

    def user_id(request: object) -> str | None:
        if header(request, "X-Raise"):
            raise LookupError("the host's own fault")
        return header(request, "X-User")

    return WebTracking(tracker, cookie_key="0123456789abcdef" * 2, consent=consent, user_id=user_id)


def view_product(product_id: str) -> str:
    tracker.emit(ProductViewed(product_id=product_id))
    return PAGE


def hold() -> str:
    """Keep this worker busy, so that another one takes what comes meanwhile; say who it is."""
    tracker.track("held", {"pid": os.getpid()})
    time.sleep(HOLD_SECONDS)
    return str(os.getpid())
