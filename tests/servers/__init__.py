"""The recipes and the reproductions on real servers, whose workers are killed."""
