-- The dead letters in which one of these identifiers stands, in quotes or as a word. One row a letter.
SELECT DISTINCT id FROM parcours.dead_letters WHERE project = {project:String} AND match(concat(payload, '\n', event_id, '\n', event_name, '\n', path, '\n', detail), {naming:String})
