"""Other ways in than the command line."""
