-- The moves that `transitions` tells of whole lives, as they were kept when nothing waited.
-- Grain: one row an ordered pair of nodes that somebody moved between. Keys: from_node, to_node. Columns as in `transitions`, which reads this.
-- Parameters, which may be left out: node and project; from_at, to_at and max_gap_seconds: there is no row unless these are left out.
-- Not counted: anything once the walks are others than those that were kept (`moves_checked`); touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW transitions_kept AS
WITH
    {from_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {to_at:Nullable(DateTime64(3, 'UTC'))} IS NULL AND {max_gap_seconds:Nullable(UInt64)} IS NULL AS is_asked
SELECT
    from_node,
    to_node,
    passages,
    people,
    passages / sum(passages) OVER (PARTITION BY from_node) AS probability,
    median_seconds
FROM parcours.journey_moves
WHERE is_asked
  AND run = /* checked: */ (SELECT kept_run FROM parcours.moves_checked) /* else: {kept_run:UInt64} */
  AND node = ifNull({node:Nullable(String)}, 'name')
  AND node != ''
  AND is_of_all = ({project:Nullable(String)} IS NULL)
  AND project = ifNull({project:Nullable(String)}, '')
