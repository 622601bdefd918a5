SELECT
    session_gap_seconds,
    journey_gap_seconds,
    currency,
    stages,
    keep_days
FROM projects FINAL
WHERE project = {project:String}
