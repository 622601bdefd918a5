INSERT INTO identity_cuts (project, a, b, a_kind, a_value, b_kind, b_value, is_cut, reason)
WITH
    sipHash64({project:String}, {kind:String}, {value:String}) AS one,
    if({other_kind:String} = '', 0, sipHash64({project:String}, {other_kind:String}, {other_value:String})) AS other,
    other != 0 AND other < one AS is_turned
SELECT
    {project:String},
    if(is_turned, other, one),
    if(is_turned, one, other),
    if(is_turned, {other_kind:String}, {kind:String}),
    if(is_turned, {other_value:String}, {value:String}),
    if(is_turned, {kind:String}, {other_kind:String}),
    if(is_turned, {value:String}, {other_value:String}),
    {is_cut:Bool},
    {reason:String}
