"""Dead letters sent again, after what refused them was mended: read, sent through the collector, marked."""
