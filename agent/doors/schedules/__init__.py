"""Reports on a schedule: which there are, when they are due, and who sees to it."""
