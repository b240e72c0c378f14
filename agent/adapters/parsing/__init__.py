"""Makes text of the formats that are read."""
