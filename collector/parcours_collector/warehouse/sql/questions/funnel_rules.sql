SELECT
    preset,
    step_order,
    may_go_back,
    needs_first_step,
    attempts,
    count_attempts,
    count_by,
    window_seconds,
    hold,
    ties,
    grace_seconds,
    resolution_seconds,
    steps,
    step_names,
    exclusions,
    exclusion_ends,
    where,
    breakdown,
    breakdown_by,
    breakdown_step,
    interval,
    timezone,
    fields
FROM funnel_rules(
    steps = {steps:String},
    rules = {rules:Nullable(String)}
)
