"""Decides which models may answer a call, from what it needs and how hard it is."""
