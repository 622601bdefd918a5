-- The dead letters in which one of these identifiers stands, as JSON has it. One row a letter.
SELECT DISTINCT id FROM parcours.dead_letters WHERE project = {project:String} AND multiSearchAny(payload, {quoted:Array(String)})
