"""Read the journeys: typed questions to the warehouse's views."""
