-- A move that one person made has that person's pause: nothing that was kept before something was deleted stays.
TRUNCATE TABLE parcours.journey_moves
