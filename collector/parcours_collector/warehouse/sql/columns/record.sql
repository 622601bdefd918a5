INSERT INTO parcours.hot_columns (touchpoint, property, kind, is_wanted)
SELECT
    {touchpoint:String},
    {property:String},
    {kind:String},
    {is_wanted:Bool}
