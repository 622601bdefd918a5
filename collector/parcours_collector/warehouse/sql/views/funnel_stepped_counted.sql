-- The counts behind `funnel_by_rules` for plain rules: those of `funnel_stepped`. Ask `funnel_by_rules`, which says what the columns are.
-- Grain: one row a step of each breakdown value; none for rules that `funnel_asked` does not say is_stepped of. Keys: breakdown_value, step.
-- Parameters: those of `funnel_stepped` but needs_ids.
CREATE OR REPLACE VIEW funnel_stepped_counted AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    counted_steps AS
    (
        SELECT
            value,
            arrayResize(sumForEach(counts), tupleElement(r, 'step_count'), 0) AS counts,
            arrayResize(avgArrayForEach(pauses_ms), tupleElement(r, 'step_count'), nan) AS avgs,
            arrayResize(quantileExactInclusiveArrayForEach(0.5)(pauses_ms), tupleElement(r, 'step_count'), nan) AS medians
        FROM
        (
            SELECT
                value,
                arrayMap(taken_ms -> people, times_taken) AS counts,
                [
                    -- The first step takes no time, whoever does it.
                    CAST([], 'Array(Int64)'),
                    arrayMap((at_ms, before_ms) -> greatest(at_ms - before_ms, 0), arrayFilter((at_ms, turn) -> turn = rest_2, times_2, turns_2), arrayFilter((at_ms, turn) -> turn = rest_1, times_2, turns_2))
                    /* step_3: */ , arrayMap((at_ms, before_ms) -> greatest(at_ms - before_ms, 0), arrayFilter((at_ms, turn) -> turn = rest_3, times_3, turns_3), arrayFilter((at_ms, turn) -> turn = rest_2, times_3, turns_3)) /* else: */
                    /* step_4: */ , arrayMap((at_ms, before_ms) -> greatest(at_ms - before_ms, 0), arrayFilter((at_ms, turn) -> turn = rest_4, times_4, turns_4), arrayFilter((at_ms, turn) -> turn = rest_3, times_4, turns_4)) /* else: */
                    /* step_5: */ , arrayMap((at_ms, before_ms) -> greatest(at_ms - before_ms, 0), arrayFilter((at_ms, turn) -> turn = rest_5, times_5, turns_5), arrayFilter((at_ms, turn) -> turn = rest_4, times_5, turns_5)) /* else: */
                    /* step_6: */ , arrayMap((at_ms, before_ms) -> greatest(at_ms - before_ms, 0), arrayFilter((at_ms, turn) -> turn = rest_6, times_6, turns_6), arrayFilter((at_ms, turn) -> turn = rest_5, times_6, turns_6)) /* else: */
                ] AS pauses_ms
            FROM
            (
                SELECT
                    tupleElement(breakdown_value, 'value') AS value,
                    tupleElement(breakdown_value, 'people') AS people,
                    tupleElement(breakdown_value, 'times') AS times,
                    times_taken,
                    intDiv(length(times), people) AS walk_length,
                    -- Who took each step at the same place of their walks: of places at one instant the first. The remainder tells a place where the walks stand one after the other.
                    indexOf(times_2, times_taken[1]) % walk_length AS rest_1,
                    indexOf(times_2, times_taken[2]) % walk_length AS rest_2,
                    /* step_3: */ indexOf(times_3, times_taken[3]) % walk_length AS rest_3, /* else: */
                    /* step_4: */ indexOf(times_4, times_taken[4]) % walk_length AS rest_4, /* else: */
                    /* step_5: */ indexOf(times_5, times_taken[5]) % walk_length AS rest_5, /* else: */
                    /* step_6: */ indexOf(times_6, times_taken[6]) % walk_length AS rest_6, /* else: */
                    -- Each is divided once, whoever looks.
                    if(reached < 2, [], times) AS times_2,
                    arrayMap(n -> toUInt32(n % walk_length), arrayEnumerate(times_2)) AS turns_2,
                    /* step_3: */ if(reached < 3, [], times) AS times_3, if(reached < 3, [], turns_2) AS turns_3, /* else: */
                    /* step_4: */ if(reached < 4, [], times) AS times_4, if(reached < 4, [], turns_2) AS turns_4, /* else: */
                    /* step_5: */ if(reached < 5, [], times) AS times_5, if(reached < 5, [], turns_2) AS turns_5, /* else: */
                    /* step_6: */ if(reached < 6, [], times) AS times_6, if(reached < 6, [], turns_2) AS turns_6, /* else: */
                    reached
                FROM
                (
                    /* the query of funnel_stepped over funnel_walks_alike with needs_ids = false */
                )
            )
            UNION ALL
            -- Without a breakdown every step has its row, also when nobody entered.
            SELECT
                '',
                CAST([], 'Array(UInt64)'),
                CAST([], 'Array(Array(Int64))')
            FROM system.one
            WHERE tupleElement(r, 'is_stepped')
              AND tupleElement(r, 'breakdown_field') = 0
        )
        GROUP BY value
    )
SELECT
    value AS breakdown_value,
    CAST(NULL, 'Nullable(DateTime64(3, \'UTC\'))') AS period_at,
    CAST(NULL, 'Nullable(UInt8)') AS is_complete,
    toUInt32(k) AS step,
    name,
    counts[k] AS counted,
    counted AS people,
    toUInt64(counted - if(k = tupleElement(r, 'step_count'), 0, counts[k + 1])) AS lost,
    if(k = 1, 1, counted / counts[greatest(k - 1, 1)]) AS conversion_from_previous,
    if(k = 1, 1, counted / counts[1]) AS conversion_from_start,
    if(k = 1 AND counted > 0, 0, avgs[k] / 1000) AS avg_seconds,
    if(k = 1 AND counted > 0, 0, medians[k] / 1000) AS median_seconds
FROM counted_steps
ARRAY JOIN
    tupleElement(r, 'step_names') AS name,
    tupleElement(r, 'places') AS k
WHERE tupleElement(r, 'is_stepped')
