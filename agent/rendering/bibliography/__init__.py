"""The sources of a report, for reference managers and in citation styles."""
