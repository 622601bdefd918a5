SELECT
    cohort_no,
    cohort_at,
    period_no,
    people,
    share
FROM retention(
    date_from = {date_from:String},
    intervals = {intervals:UInt32},
    interval = {interval:Nullable(String)},
    mode = {mode:Nullable(String)},
    start_name = {start_name:Nullable(String)},
    return_name = {return_name:Nullable(String)},
    timezone = {timezone:Nullable(String)},
    project = {project:Nullable(String)}
)
ORDER BY
    cohort_no,
    period_no
