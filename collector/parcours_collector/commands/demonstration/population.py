"""A made-up population that loops, comes back, changes device and channel, and buys in the store what it saw online.

Every choice is drawn from one seed, so that the same seed tells the same story. The rates are inventions; only their
shape is meant to be believed.
"""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

from parcours_collector.commands.demonstration.moment import Moment
from parcours_schemas.catalogue import CATALOGUE

WEEKS = 10
_STORES = ("lille", "lyon", "la-defense", "nantes")
_PRODUCTS = tuple(
    {
        "product_id": f"{kind}-{number}",
        "name": f"{kind} {number}",
        "category": kind,
        "price": Decimal(price),
        "currency": "EUR",
    }
    for kind, price in (("television", "899.00"), ("headphones", "149.00"), ("camera", "549.00"), ("kettle", "39.90"))
    for number in range(1, 6)
)


def live(people: int, *, seed: int, start: datetime) -> Iterator[list[Moment]]:
    """Return what each person does, in order, one list a person.

    Args:
        people: How many, at least 1.
        seed: The same seed gives the same people.
        start: Aware UTC; their lives fill the WEEKS after it.
    """
    for number in range(people):
        life = _Life(random.Random(f"{seed}:{number}"), number, start).live()  # noqa: S311 - a story, not a secret
        yield [moment for moment in life if moment.occurred_at < start + timedelta(weeks=WEEKS)]


class _Life:
    """One person while their story is being drawn."""

    def __init__(self, chance: random.Random, number: int, start: datetime) -> None:
        self._chance = chance
        self._now = start + timedelta(days=chance.random() * 7 * (WEEKS - 3), hours=chance.gauss(0, 3))
        self._moments: list[Moment] = []
        self._account = f"user-{number}" if chance.random() < 0.55 else None
        self._card = f"card-{number}" if chance.random() < 0.35 else None
        self._email = f"person{number}@example.com"
        self._devices = [f"browser-{number}-{device}" for device in ("phone", "computer")[: chance.choice((1, 2, 2))]]
        self._device = chance.choice(self._devices)
        self._signed_in: set[str] = set()
        self._wanted = chance.choice(_PRODUCTS)

    def live(self) -> list[Moment]:
        """Return the whole story: one wish after another, each until it is bought or forgotten."""
        for _wish in range(self._chance.choices((1, 2, 3), weights=(70, 22, 8))[0]):
            self._wanted = self._chance.choice(_PRODUCTS)
            self._pursue()
            self._wait(days=self._chance.expovariate(1 / 12) + 1)
        return self._moments

    def _pursue(self) -> None:
        """Follow one wish: come, look, leave, come back by another way, buy or give up."""
        for attempt in range(self._chance.choices((1, 2, 3, 4), weights=(45, 30, 17, 8))[0]):
            if not self._arrive(attempt):
                continue
            self._browse()
            if self._happens(0.12):
                return self._visit_store()
            if self._happens(0.30 + 0.08 * attempt):
                if self._check_out():
                    return self._live_with_it()
                self._be_reminded()
            self._wait(days=self._chance.expovariate(1 / 2.5))
            self._device = self._chance.choice(self._devices)
        return None

    def _arrive(self, attempt: int) -> bool:
        """Come by some way; return whether it led further than the first page."""
        way = self._chance.choices(("ads", "search", "social", "direct"), weights=(40, 25, 15, 20 + 20 * attempt))[0]
        if way == "ads":
            for _glance in range(self._chance.choice((1, 1, 2, 3))):
                self._do(
                    "ads",
                    "ad_impression",
                    network=self._chance.choice(("meta", "google", "linkedin")),
                    retargeting=attempt > 0,
                )
                self._wait(hours=self._chance.expovariate(1 / 5))
            if not self._happens(0.55):
                return False
            self._do("ads", "ad_clicked", network="meta")
        elif way == "search":
            self._do("shop-web", "search_result_clicked", engine="google", paid=self._happens(0.3))
        elif way == "social":
            self._do("shop-web", "social_link_clicked", network="instagram")
        self._wait(minutes=1)
        self._do("shop-web", "page_viewed", path="/")
        return self._happens(0.8)

    def _browse(self) -> None:
        while True:
            self._do("shop-web", "product_list_viewed", category=str(self._wanted["category"]))
            while self._happens(0.62):
                self._do("shop-web", "product_viewed", **self._wanted)
                if self._happens(0.10):
                    self._do("shop-web", "products_searched", query=str(self._wanted["category"]))
            if not self._happens(0.25):
                return

    def _check_out(self) -> bool:
        self._do("shop-web", "product_viewed", **self._wanted)
        self._do("shop-web", "product_added", **self._wanted, quantity=1)
        while self._happens(0.25):
            self._do("shop-web", "cart_viewed")
            self._do("shop-web", "product_viewed", **self._wanted)
        self._do("shop-web", "checkout_started")
        if self._account:
            self._sign_in()
        if self._happens(0.08):
            self._do("shop-web", "payment_failed", reason="declined")
        if not self._happens(0.62):
            return False
        price = self._wanted["price"]
        self._do(
            "shop-web",
            "order_completed",
            order_id=f"O-{self._chance.randrange(10**9)}",
            total=price,
            revenue=price,
            currency="EUR",
        )
        return True

    def _be_reminded(self) -> None:
        """A cart was left: an e-mail goes out if there is an address."""
        if self._account and self._happens(0.7):
            self._wait(hours=20)
            self._do("messaging", "email_delivered", {"email": self._email}, campaign_name="Still thinking?")
            if self._happens(0.4):
                self._wait(hours=3)
                self._do("messaging", "email_clicked", {"email": self._email}, campaign_name="Still thinking?")

    def _visit_store(self) -> None:
        """Researched on the site, bought in the store: joined to the site only if a card or an account says so."""
        store = self._chance.choice(_STORES)
        self._do("shop-web", "store_locator_used", store_id=store)
        self._wait(days=self._chance.random() * 3)
        known_by = (
            {"loyalty_card": self._card}
            if self._card
            else {"device_id": f"till-visitor-{self._chance.randrange(10**9)}"}
        )
        self._do("store-till", "store_visited", known_by, store_id=store)
        if self._happens(0.65):
            self._wait(minutes=20)
            price = self._wanted["price"]
            self._do(
                "store-till",
                "receipt_issued",
                known_by,
                receipt_id=f"T-{self._chance.randrange(10**9)}",
                store_id=store,
                total=price,
                currency="EUR",
            )
            self._live_with_it()
        if self._card and self._account:
            self._do(
                "crm",
                "identified",
                {"user_id": self._account, "loyalty_card": self._card, "email": self._email},
            )

    def _live_with_it(self) -> None:
        """What comes after the sale belongs to the journey too."""
        self._wait(days=2 + self._chance.random() * 5)
        if self._happens(0.14):
            ticket = f"S-{self._chance.randrange(10**9)}"
            self._do("crm", "ticket_opened", ticket_id=ticket)
            self._wait(days=1)
            self._do("crm", "ticket_resolved", ticket_id=ticket)
            self._do("crm", "effort_scored", score=self._chance.choice((2, 3, 4, 5, 6)), ticket_id=ticket)
        if self._happens(0.12):
            self._do("shop-web", "review_posted", rating=self._chance.choice((3, 4, 5, 5)))
        if self._happens(0.05):
            self._do("shop-web", "referral_sent", referral_code=f"F-{self._chance.randrange(10**6)}")

    def _sign_in(self) -> None:
        if self._account and self._device not in self._signed_in:
            self._signed_in.add(self._device)
            self._do(
                "shop-web",
                "signed_in",
                {"anonymous_id": self._device, "user_id": self._account, "email": self._email},
            )

    def _do(self, source: str, name: str, known_by: dict[str, str] | None = None, /, **properties: object) -> None:
        self._wait(minutes=self._chance.expovariate(1 / 1.5))
        ids = known_by or {"anonymous_id": self._device}
        if known_by is None and self._device in self._signed_in and self._account:
            ids["user_id"] = self._account
        channel = "crm" if source == "crm" and name == "identified" else None
        self._moments.append(
            Moment(source, self._now, CATALOGUE[name].model_validate(properties), ids, channel=channel)
        )

    def _wait(self, *, days: float = 0, hours: float = 0, minutes: float = 0) -> None:
        self._now += timedelta(days=days, hours=hours, minutes=minutes)

    def _happens(self, probability: float) -> bool:
        return self._chance.random() < probability
