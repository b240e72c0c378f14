"""Places to look things up, one file each; all answer to the same port."""
