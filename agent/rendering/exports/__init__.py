"""Other forms of a report: for reference managers, word processors, mail, paper and machines."""
