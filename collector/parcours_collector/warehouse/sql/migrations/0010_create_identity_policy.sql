-- How many touchpoints said so: evidence counted, copies of one touchpoint included.
ALTER TABLE identity_edges ADD COLUMN IF NOT EXISTS touchpoints SimpleAggregateFunction(sum, UInt64) COMMENT 'how many receipts said so; 0 = from before they were counted';

-- Every two identifiers of a touchpoint are evidence of their own. A star around the least one would fall apart once a policy leaves its middle out.
ALTER TABLE identity_edges_of_touchpoints MODIFY QUERY
WITH
    arraySort(pair -> pair.1, arrayDistinct(arrayFlatten(arrayMap(
        (kind, held) -> arrayMap(v -> (sipHash64(project, kind, v), kind, v), arrayFilter(v -> NOT has(placeholders, v), held)),
        mapKeys(ids), mapValues(ids)
    )))) AS named
SELECT
    project,
    pair.1.1 AS a,
    pair.2.1 AS b,
    pair.1.2 AS a_kind,
    pair.1.3 AS a_value,
    pair.2.2 AS b_kind,
    pair.2.3 AS b_value,
    occurred_at AS first_seen_at,
    occurred_at AS last_seen_at,
    [toString(source)] AS sources,
    now64(3, 'UTC') AS stored_at,
    toUInt64(1) AS touchpoints
FROM touchpoints
ARRAY JOIN arrayFlatten(arrayMap((one, place) -> arrayMap(other -> (one, other), arraySlice(named, place + 1)), named, arrayEnumerate(named))) AS pair
WHERE length(identifiers) > 1;

-- What a project lets an identifier do. A project without rows has no limits: its people are the plain components of the evidence.
CREATE TABLE IF NOT EXISTS identity_policy
(
    project        String,
    kind           String COMMENT 'of identifier; * = all kinds together',
    class          Enum8('strong' = 1, 'medium' = 2, 'weak' = 3) DEFAULT 'medium' COMMENT 'how much it says; of *, without meaning',
    priority       UInt16 DEFAULT 100 COMMENT 'the least is heard first among kinds of a class',
    max_per_person UInt32 DEFAULT 0 COMMENT 'identifiers of the kind in one person; 0 = no limit',
    max_strong     UInt32 DEFAULT 0 COMMENT 'a weak or medium identifier seen with more strong ones is shared and joins nobody; 0 = no limit',
    blocked        Array(String) COMMENT 'values that join nobody: =value, or a regular expression (RE2) found anywhere in it',
    changed_at     DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(changed_at)
ORDER BY (project, kind);
