-- Keep the moves between nodes of one kind, of one project or of all (NULL), as they are told now.
-- is_of_all: whether they are kept as those of the project (0), of all projects (1), or as both where there is only one.
INSERT INTO journey_moves (walks_hash, node, project, is_of_all, from_node, to_node, passages, people, median_seconds)
SELECT
    {walks_hash:UInt64},
    {node:String},
    if(one, '', ifNull({project:Nullable(String)}, '')),
    one,
    from_node,
    to_node,
    passages,
    people,
    median_seconds
FROM transitions_walked(node = {node:String}, project = {project:Nullable(String)}, from_at = NULL, to_at = NULL, max_gap_seconds = NULL)
ARRAY JOIN {is_of_all:Array(UInt8)} AS one
