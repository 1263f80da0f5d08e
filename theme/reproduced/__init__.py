"""What the scenarios claim, done again on real servers that are started for it."""
