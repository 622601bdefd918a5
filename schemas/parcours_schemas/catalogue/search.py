"""Search: in the engines outside, in the listings of maps, and on the site itself."""

from parcours_schemas.catalogue.products import Products
from parcours_schemas.fields import Count, Flag, Reference, Text
from parcours_schemas.money import Priced
from parcours_schemas.touchpoint import Channel, Need, Stage, Touchpoint


class SearchResultShown(Touchpoint, stage=Stage.AWARENESS, need=Need.INFORM, channel=Channel.SEARCH):
    """The brand stood in the results of a search engine."""

    engine: Text
    query: Text | None = None
    position: Count | None = None
    paid: Flag | None = None


class SearchResultClicked(Touchpoint, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.SEARCH):
    """Someone came from the results of a search engine."""

    engine: Text
    query: Text | None = None
    position: Count | None = None
    paid: Flag | None = None
    landing_url: Text | None = None


class LocalListingViewed(Touchpoint, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.SEARCH):
    """Someone looked at a store's listing on a map: its hours, its way, its number."""

    engine: Text
    store_id: Reference | None = None
    action: Text | None = None


class ProductsSearched(Priced, stage=Stage.CONSIDERATION, need=Need.INFORM, channel=Channel.WEB):
    """Someone searched the site or the app."""

    query: Text
    results_count: Count | None = None
    products: Products | None = None
