"""The code that the chapter shows: one file, one scenario, one claim."""
