-- The walks of a funnel by plain rules, as `funnel_stepped` goes over them: those of `funnel_walks_indexed` or `funnel_walks_looked`, whichever says anything of these rules.
-- Grain: one row a person. Keys: project, person_id. at, flags, ids: their all_at, all_flags, all_ids; times are cut to the resolution, and of touchpoints of one time that are the same steps one counts.
-- Parameters: those of `funnel_walked`; may be left out: needs_ids (false: ids may be empty; where conditions look at nothing but names and channels, the journey index is read then).
-- Not counted: rules that `funnel_asked` does not say is_stepped of; touchpoints of nobody (person_id 0).
CREATE OR REPLACE VIEW funnel_walks_cut AS
WITH
    {r:Tuple(step_count UInt16, places Array(UInt16), at_ends Array(UInt8), any_order Bool, strict Bool, may_go_back Bool, needs_first Bool, only_first Bool, keeps_all Bool, counts_attempts Bool, subject_is String, window_ms Int64, ties_any Bool, grace_ms Int64, resolution_ms Int64, asked Array(Tuple(names Array(String), tests Array(UInt16))), tests Array(Tuple(field UInt16, operator String, operands Array(String), numbers Array(Float64))), compares_numbers Bool, barred Array(Tuple(UInt16, UInt16)), drops_person Bool, has_optional Bool, nexts Array(Array(UInt16)), withins_ms Array(Int64), first_ever Array(Bool), has_first_ever Bool, needs_history Bool, needs_all Bool, names Array(String), columns Array(String), in_properties Array(Array(String)), in_context Array(Array(String)), held Array(UInt16), counted UInt16, breakdown_field UInt16, breakdown_by String, breakdown_step UInt16, interval String, timezone String, step_names Array(String), optional_steps Array(Bool), is_stepped Bool, reads_index Bool, looks_at_few Bool, few Array(String), few_is_all Bool)} AS r,
    tupleElement(r, 'resolution_ms') AS resolution_ms,
    ifNull({needs_ids:Nullable(Bool)}, false) AS tells_ids,
    walks AS
    (
        -- Each in brackets of its own: what the first member of a union names in WITH the engine hands on to the others.
        /* looked */
        SELECT *
        FROM
        (
            /* the query of funnel_walks_looked with is_few = false */
        )
        UNION ALL
        /* indexed */
        SELECT *
        FROM
        (
            /* the query of funnel_walks_indexed with is_wide = false */
        )
    )
SELECT
    project,
    person_id,
    breakdown_value,
    /* resolution: */ if(resolution_ms = 1, all_at, arrayFilter((at_ms, is_kept) -> is_kept, cut_at, kept)) /* else: all_at */ AS at,
    /* resolution: */ if(resolution_ms = 1, all_flags, arrayFilter((flag, is_kept) -> is_kept, all_flags, kept)) /* else: all_flags */ AS flags,
    /* resolution: */ if(NOT tells_ids OR resolution_ms = 1, all_ids, arrayFilter((id, is_kept) -> is_kept, all_ids, kept)) /* else: all_ids */ AS ids
FROM /* resolution: */
(
    SELECT
        *,
        if(resolution_ms = 1, [], arrayMap((time_seen, flag) -> time_seen = 1 OR bitAnd(flag, 63) = 0, arrayEnumerateUniq(cut_at, all_flags), all_flags)) AS kept
    FROM
    (
        SELECT
            *,
            if(resolution_ms = 1, all_at, arrayMap(at_ms -> at_ms - positiveModulo(at_ms, resolution_ms), all_at)) AS cut_at
        FROM walks
    )
) /* else: walks */
