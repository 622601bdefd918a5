-- Retention: of the people of each cohort, how many came back in each period after it.
-- Grain: one row a cohort and a period after it. Keys: cohort_no, period_no (both from 0; cohort_no + period_no < intervals).
-- Periods follow each other from the start of the one that holds date_from: hours, days, weeks of seven days that begin on the weekday of date_from,
--   calendar months. Days and months are those of timezone ('UTC' by default).
-- mode 'recurring' (default): a person is of every cohort in whose period they did start_name. 'first': only of that of their first start_name ever.
-- people: of the cohort who did return_name in period cohort_no + period_no; in period 0 the cohort itself. share: people ÷ the cohort, NaN of nobody.
-- Parameters: date_from, intervals (how many periods). May be left out: interval = 'hour', 'day' (default), 'week', 'month'; mode; start_name and return_name (any
--   touchpoint by default); timezone; project.
-- Not counted: touchpoints of nobody (person_id 0). A cohort or period without anybody has its row, with 0.
CREATE OR REPLACE VIEW retention AS
WITH
    ifNull({interval:Nullable(String)}, 'day') AS period_is,
    ifNull({mode:Nullable(String)}, 'recurring') AS mode_is,
    ifNull({timezone:Nullable(String)}, 'UTC') AS zone,
    parseDateTime64BestEffortOrNull({date_from:String}, 3, zone) AS told_origin,
    ifNull(told_origin, toDateTime64('2000-01-01', 3, zone)) AS origin,
    toUnixTimestamp(toStartOfHour(origin)) * 1000 AS first_hour_ms,
    -- By itself, for of a zone that is not there the engine says so here, and inside a lambda that `origin` is unknown.
    walks AS
    (
        SELECT
            times,
            names
        FROM
        (
            /* the rows of walks_indexed */
        )
        WHERE throwIf(told_origin IS NULL, 'date_from is a day like 2026-06-01 or a local time like 2026-06-01 10:20:00') = 0
          AND throwIf(period_is NOT IN ('hour', 'day', 'week', 'month'), 'interval is hour, day, week or month') = 0
          AND throwIf(mode_is NOT IN ('recurring', 'first'), 'mode is recurring or first') = 0
          AND ({project:Nullable(String)} IS NULL OR project = {project:Nullable(String)})
    ),
    placed AS
    (
        SELECT
            names,
            multiIf(
                period_is = 'hour', arrayMap(at_ms -> toInt64(floor((at_ms - first_hour_ms) / 3600000)), times),
                period_is = 'day', arrayMap(at_ms -> toInt64(dateDiff('day', origin, fromUnixTimestamp64Milli(at_ms, zone), zone)), times),
                period_is = 'week', arrayMap(at_ms -> toInt64(floor(dateDiff('day', origin, fromUnixTimestamp64Milli(at_ms, zone), zone) / 7)), times),
                arrayMap(at_ms -> toInt64(dateDiff('month', origin, fromUnixTimestamp64Milli(at_ms, zone), zone)), times)
            ) AS periods
        FROM walks
    ),
    chosen AS
    (
        SELECT
            if({start_name:Nullable(String)} IS NULL, periods, arrayFilter((period, name) -> name = ifNull({start_name:Nullable(String)}, ''), periods, names)) AS started,
            if({return_name:Nullable(String)} IS NULL, periods, arrayFilter((period, name) -> name = ifNull({return_name:Nullable(String)}, ''), periods, names)) AS returned
        FROM placed
    ),
    came AS
    (
        SELECT
            arrayFilter(period -> period >= 0 AND period < {intervals:UInt32}, arrayDistinct(if(mode_is = 'first', arraySlice(started, 1, 1), started))) AS cohorts,
            arrayFilter(period -> period >= 0 AND period < {intervals:UInt32}, arrayDistinct(returned)) AS returns
        FROM chosen
    ),
    counted AS
    (
        SELECT
            cohort,
            period,
            count() AS people
        FROM
        (
            SELECT
                cohort,
                arrayJoin(arrayPushFront(arrayMap(one -> one - cohort, arrayFilter(one -> one > cohort, returns)), toInt64(0))) AS period
            FROM came
            ARRAY JOIN cohorts AS cohort
        )
        GROUP BY
            cohort,
            period
    ),
    every AS
    (
        SELECT
            cohort,
            arrayJoin(range({intervals:UInt32} - cohort)) AS period
        FROM (SELECT arrayJoin(range({intervals:UInt32})) AS cohort)
    )
SELECT
    toUInt32(every.cohort) AS cohort_no,
    multiIf(
        period_is = 'hour', toDateTime64(toStartOfHour(origin) + toIntervalHour(cohort_no), 3, zone),
        -- From dates, for not every day begins at midnight.
        period_is = 'day', toDateTime64(toDate(origin) + cohort_no, 3, zone),
        period_is = 'week', toDateTime64(toDate(origin) + 7 * cohort_no, 3, zone),
        toDateTime64(toStartOfMonth(origin) + toIntervalMonth(cohort_no), 3, zone)
    ) AS cohort_at,
    toUInt32(every.period) AS period_no,
    counted.people AS people,
    people / first_value(people) OVER (PARTITION BY cohort_no ORDER BY period_no ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS share
FROM every
LEFT JOIN counted ON counted.cohort = every.cohort AND counted.period = every.period
ORDER BY
    cohort_no,
    period_no
