"""The reviewed names: functions, aggregates, table functions, index types, codecs. A name that is not here is refused.

`functions.txt` and `aggregates.txt` hold what was reviewed of the engine's own `system.functions`; what is left out on
purpose reads a file, asks a host or shows the process (`file`, `filesystem…`, `ai…`, `addressTo…`, …).
"""

from __future__ import annotations

from importlib import resources
from typing import Final


def _listed(name: str) -> frozenset[str]:
    return frozenset(resources.files(__package__).joinpath(name).read_text(encoding="ascii").split())


FUNCTIONS: Final = _listed("functions.txt") | {
    # Names of the parser's own: operators and syntax that `system.functions` does not list.
    *("lambda", "exists", "grouping", "interval", "viewtype", "asterisk", "apply", "timestampadd", "timestampsub"),
    *("_cast", "array", "tuple", "arrayelement", "tupleelement", "notexists", "quantified"),
}
REFUSED_FUNCTIONS: Final = frozenset(
    {
        *("file", "filesystemavailable", "filesystemcapacity", "filesystemunreserved"),
        *("aiclassify", "aiembed", "aiextract", "aifilter", "aigenerate", "airedact", "aisimilarity", "aitranslate"),
        *(
            "addresstoline",
            "addresstolinewithinlines",
            "addresstosymbol",
            "demangle",
            "tid",
            "logtrace",
            "showcertificate",
        ),
        *("getclienthttpheader", "currentrequesturl", "getserverport", "getmacro", "fuzzquery"),
        *("naivebayesclassifier", "naivebayesclassifierwithprob", "naivebayesclassifierwithallprobs"),
        *(
            "__actionname",
            "__applyfilter",
            "__bitboolmaskand",
            "__bitboolmaskor",
            "__bitswaplasttwo",
            "__bitwrapperfunc",
        ),
        *("__getscalar", "__groupingforcube", "__groupingforgroupingsets", "__groupingforrollup", "__groupingordinary"),
        *("__patchpartitionid", "__scalarsubqueryresult", "__toyearcalendaronly"),
    }
)
"""Reviewed, and refused: they read a file, ask a host, show the process, or are the engine's own."""
AGGREGATES: Final = _listed("aggregates.txt")
COMBINATORS: Final = (
    *("simplestate", "ordefault", "distinct", "resample", "foreach", "argmax", "argmin", "ornull", "tuple", "merge"),
    *("mergestate", "state", "array", "null", "map", "if"),
)

TABLE_FUNCTIONS: Final = frozenset(
    {
        *(
            "numbers",
            "numbers_mt",
            "zeros",
            "zeros_mt",
            "primes",
            "generateseries",
            "generate_series",
            "generaterandom",
        ),
        *(
            "values",
            "sqlstandardvalues",
            "null",
            "view",
            "viewifpermitted",
            "viewexplain",
            "merge",
            "dictionary",
            "loop",
        ),
        *("mergetreeindex", "mergetreeprojection", "mergetreetextindex", "format"),
    }
)

INDEX_TYPES: Final = frozenset(
    {
        *(
            "minmax",
            "set",
            "bloom_filter",
            "ngrambf_v1",
            "tokenbf_v1",
            "text",
            "full_text",
            "vector_similarity",
            "hypothesis",
        ),
        *("sparse_grams", "inverted", "ngrams", "splitbynonalpha", "splitbystring", "array", "tokenbf"),
    }
)
CODECS: Final = frozenset(
    {
        *(
            "codec",
            "none",
            "lz4",
            "lz4hc",
            "zstd",
            "delta",
            "doubledelta",
            "gorilla",
            "fpc",
            "t64",
            "gcd",
            "default",
            "alp",
        ),
        *("tdigest", "uniq", "countmin", "minmax", "deflate_qpl", "zstd_qat"),
    }
)


def is_aggregate(name: str) -> bool:
    """Whether a lower-case name is an aggregate function, combinators included (`sumIf`, `uniqMergeState`)."""
    pending = [name]
    while pending:
        candidate = pending.pop()
        if candidate in AGGREGATES:
            return True
        pending += [
            candidate.removesuffix(suffix)
            for suffix in COMBINATORS
            if candidate.endswith(suffix) and candidate != suffix
        ]
    return False
