"""Reads the web: under rules of safety and of manners."""
