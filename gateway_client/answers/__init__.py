"""Gets answers in a given form out of any chat model."""
