"""Mutation testing: what each mutant has to get past, and who may survive."""
