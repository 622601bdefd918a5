SELECT
    (SELECT count() FROM touchpoints WHERE project = {project:String} AND occurred_at < {before_at:DateTime64(3, 'UTC')}) AS touchpoints,
    (SELECT count() FROM dead_letters WHERE project = {project:String} AND received_at < {before_at:DateTime64(3, 'UTC')}) AS dead_letters,
    (
        SELECT count()
        FROM (SELECT a, b FROM identity_edges WHERE project = {project:String} GROUP BY a, b HAVING max(last_seen_at) < {before_at:DateTime64(3, 'UTC')})
    ) AS identity_edges
