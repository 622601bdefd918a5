-- How far the filling of a column is. Grain: one row, of all its fillings that have not ended.
SELECT
    count() AS under_way,
    sum(parts_to_do) AS parts_left,
    anyIf(latest_fail_reason, latest_fail_reason != '') AS failure
FROM system.mutations
WHERE database = 'parcours' AND table = 'touchpoints' AND NOT is_done AND position(command, 'MATERIALIZE COLUMN') > 0 AND position(command, {column:String}) > 0
