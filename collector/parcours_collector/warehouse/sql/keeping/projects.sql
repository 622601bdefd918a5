-- Whose moves are kept. Grain: one row a project.
SELECT DISTINCT project FROM journey_nodes ORDER BY project
