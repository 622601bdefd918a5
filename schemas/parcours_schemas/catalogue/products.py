"""What e-commerce touchpoints share: a product, a line of a list. Names follow Segment's e-commerce specification."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from parcours_schemas.fields import MAX_LINES, Amount, Count, Reference, Text
from parcours_schemas.money import Priced


class Product(BaseModel):
    """A product as a line of a cart, an order or a list; its price is in the currency of the touchpoint."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    product_id: Reference
    sku: Text | None = None
    category: Text | None = None
    name: Text | None = None
    brand: Text | None = None
    variant: Text | None = None
    price: Amount | None = None
    quantity: Count | None = None
    coupon: Text | None = None
    position: Count | None = None
    url: Text | None = None
    image_url: Text | None = None


Products = Annotated[list[Product], Field(max_length=MAX_LINES)]
"""Lines, at most 500."""


class OneProduct(Priced):
    """Properties of a touchpoint about one product."""

    product_id: Reference
    sku: Text | None = None
    category: Text | None = None
    name: Text | None = None
    brand: Text | None = None
    variant: Text | None = None
    price: Amount | None = None
    quantity: Count | None = None
    coupon: Text | None = None
    position: Count | None = None
    url: Text | None = None
    image_url: Text | None = None
