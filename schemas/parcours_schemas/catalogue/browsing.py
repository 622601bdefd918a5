"""Products looked at, listed, compared and wished for, on the site or in the app."""

from pydantic import BaseModel, ConfigDict

from parcours_schemas.catalogue.products import OneProduct, Products
from parcours_schemas.fields import Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint, Valence


class ProductViewed(OneProduct, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB):
    """Someone looked at the page of a product."""


class _ProductList(Priced):
    """Properties of a list of products."""

    list_id: Reference | None = None
    category: Text | None = None
    products: Products | None = None


class ProductListViewed(_ProductList, stage=Stage.CONSIDERATION, need=Need.BE_INSPIRED, channel=Channel.WEB):
    """Someone looked at a category, a selection or another list of products."""


class ListChoice(BaseModel):
    """A filter or an order that was chosen for a list, e.g. type `brand`, value `acme`."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    type: Text
    value: Text


class ProductListFiltered(_ProductList, stage=Stage.CONSIDERATION, need=Need.COMPARE, channel=Channel.WEB):
    """Someone filtered or sorted a list of products."""

    filters: list[ListChoice] | None = None
    sorts: list[ListChoice] | None = None


class ProductsCompared(Priced, stage=Stage.CONSIDERATION, need=Need.COMPARE, channel=Channel.WEB):
    """Someone put products beside one another."""

    products: Products


class ProductAddedToWishlist(OneProduct, stage=Stage.CONSIDERATION, need=Need.BE_INSPIRED, channel=Channel.WEB):
    """Someone kept a product for later."""

    wishlist_id: Reference | None = None
    wishlist_name: Text | None = None


class ProductRemovedFromWishlist(OneProduct, stage=Stage.CONSIDERATION, need=Need.DECIDE, channel=Channel.WEB):
    """Someone no longer keeps a product for later."""

    wishlist_id: Reference | None = None
    wishlist_name: Text | None = None


class WishlistProductAddedToCart(OneProduct, stage=Stage.PURCHASE, need=Need.BUY, channel=Channel.WEB):
    """Someone moved a product from a wish list to the cart."""

    wishlist_id: Reference | None = None
    wishlist_name: Text | None = None
    cart_id: Reference | None = None


class ProductBackInStockRequested(
    OneProduct, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB, valence=Valence.PAIN
):
    """Someone asked to be told when a product is available again."""


class _Promotion(Touchpoint):
    """Properties of a promotion on the site or in the app."""

    promotion_id: Reference
    creative: Text | None = None
    name: Text | None = None
    position: Text | None = None


class PromotionViewed(_Promotion, stage=Stage.AWARENESS, need=Need.BE_INSPIRED, channel=Channel.WEB):
    """A promotion was shown on the site or in the app."""


class PromotionClicked(_Promotion, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB):
    """Someone followed a promotion on the site or in the app."""
