"""Runs that wait in PostgreSQL for whichever worker is free; needs the extra postgres."""
