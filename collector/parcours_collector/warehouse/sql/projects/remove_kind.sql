DELETE FROM touchpoint_kinds
WHERE project = {project:String}
  AND name = {name:String}
