SELECT 1
FROM identity_persons
WHERE project = {project:String}
  AND identifier = sipHash64({project:String}, {kind:String}, {value:String})
LIMIT 1
