"""One outside thing behind one port, one file each."""
