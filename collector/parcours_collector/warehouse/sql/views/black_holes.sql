-- Where journeys end unconverted, weighed by flow and value: the black holes of the network, the greatest first.
-- Grain: one row a node where a journey was lost. Keys: node.
-- lost: journeys that ended there; lost_share: ÷ all lost journeys; the shares of all rows add up to 1 but for what was lost without any node of that kind.
-- lost_value: with with_value = 1, lost × what a converted journey brings.
-- conversion_probability: of who is at the node. expected_conversions: of the journeys that were lost there, how many would have converted if they had gone on as the others
--   who were there: journeys × (conversion_if_mended − base_conversion). conversion_if_mended, base_conversion: as in `nodes`.
-- Parameters and what is not counted: those of `nodes`.
CREATE OR REPLACE VIEW black_holes AS
SELECT
    node,
    visits,
    lost,
    lost / (journeys - converted_in_all) AS lost_share,
    if(converted_in_all = 0, NULL, lost * converted_revenue / converted_in_all) AS lost_value,
    conversion_probability,
    (conversion_if_mended - base_conversion) * journeys AS expected_conversions,
    conversion_if_mended,
    base_conversion
FROM
(
    SELECT
        *,
        round(base_conversion * journeys) AS converted_in_all
    FROM
    (
        /* the query of nodes */
    )
)
WHERE lost > 0
ORDER BY
    expected_conversions DESC,
    lost DESC,
    node
