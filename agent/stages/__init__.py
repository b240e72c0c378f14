"""The four stages, one file each: functions from values to values."""
