SELECT
    project,
    from_stage,
    to_stage,
    direction,
    moves,
    people,
    median_seconds
FROM stage_moves(
    project = {project:Nullable(String)},
    max_gap_seconds = {max_gap_seconds:Nullable(Float64)}
)
ORDER BY
    project,
    moves DESC,
    from_stage,
    to_stage
