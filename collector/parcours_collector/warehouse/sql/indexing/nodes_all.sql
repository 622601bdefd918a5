-- Note the names and channels of all touchpoints, before rows of the journey index hold them.
INSERT INTO journey_nodes (project, name, channel)
SELECT DISTINCT
    project,
    name,
    channel
FROM touchpoints
WHERE (project, name, channel) NOT IN (SELECT project, name, channel FROM journey_nodes)
