-- How long people took from one step of a funnel to another: a histogram of the attempts that did both.
-- Grain: one row a bin; none when nobody did both. Keys: from_seconds.
-- A bin holds from_seconds ≤ t < to_seconds; all are equally wide, a whole number of seconds, the first begins at the shortest time and the last holds the longest.
-- counted: attempts of `funnel_attempts` whose time lies in the bin; their sum is all that did both steps.
-- Parameters: those of `funnel_attempts`; from_step (1 by default) and to_step (the last), from 1; bins, how many the span is cut into (by default the cube root of the number of attempts, rounded up).
-- Not counted: what `funnel_attempts` does not count.
CREATE OR REPLACE VIEW funnel_conversion_times AS
SELECT
    from_seconds,
    to_seconds,
    counted
FROM parcours.funnel_times_counted(
    r = (SELECT r FROM (/* the query of funnel_asked */)),
    project = {project:Nullable(String)},
    from_at = {from_at:Nullable(DateTime64(3, 'UTC'))},
    to_at = {to_at:Nullable(DateTime64(3, 'UTC'))},
    from_step = {from_step:Nullable(UInt16)},
    to_step = {to_step:Nullable(UInt16)},
    bins = {bins:Nullable(UInt32)}
)
ORDER BY from_seconds
