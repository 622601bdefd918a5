-- How long people took from one step of a funnel to another: a histogram of the attempts that did both.
-- Grain: one row a bin; none when nobody did both. Keys: from_seconds.
-- A bin holds from_seconds ≤ t < to_seconds; all are equally wide, a whole number of seconds, the first begins at the shortest time and the last holds the longest.
-- counted: attempts of `funnel_attempts` whose time lies in the bin; their sum is all that did both steps.
-- Parameters: those of `funnel_attempts`; from_step (1 by default) and to_step (the last), from 1; bins, how many the span is cut into (by default the cube root of the number of attempts, rounded up).
-- Not counted: what `funnel_attempts` does not count.
CREATE OR REPLACE VIEW funnel_conversion_times AS
WITH
    gathered AS
    (
        SELECT
            groupArray(seconds) AS all_seconds,
            min(seconds) AS shortest,
            max(seconds) AS longest,
            toUInt32(ifNull({bins:Nullable(UInt32)}, ceil(cbrt(count())))) AS bins_wanted,
            greatest(ceil((longest - shortest) / greatest(bins_wanted, 1)), 1) AS width_seconds
        FROM
        (
            SELECT (toUnixTimestamp64Milli(assumeNotNull(step_times[to_place])) - toUnixTimestamp64Milli(assumeNotNull(step_times[from_place]))) / 1000 AS seconds
            FROM
            (
                SELECT
                    step_times,
                    reached,
                    ifNull({from_step:Nullable(UInt16)}, 1) AS from_place,
                    ifNull({to_step:Nullable(UInt16)}, toUInt16(length(JSONExtractArrayRaw({steps:String})))) AS to_place
                FROM
                (
                    /* the query of funnel_attempts */
                )
            )
            WHERE throwIf(from_place < 1 OR from_place >= to_place OR to_place > length(JSONExtractArrayRaw({steps:String})), 'from_step lies before to_step, both are steps, from 1') = 0
              AND reached >= to_place
              AND step_times[from_place] IS NOT NULL
              AND step_times[to_place] IS NOT NULL
        )
    )
SELECT
    shortest + bin * width_seconds AS from_seconds,
    from_seconds + width_seconds AS to_seconds,
    arrayCount(one -> floor((one - shortest) / width_seconds) = bin, all_seconds) AS counted
FROM gathered
ARRAY JOIN range(toUInt32(floor((longest - shortest) / width_seconds) + 1)) AS bin
WHERE notEmpty(all_seconds)
ORDER BY from_seconds
