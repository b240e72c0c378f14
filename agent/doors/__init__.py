"""Other ways in than a person's one question."""
