"""Truth four: consensus is slow, its trade-offs are real, and doubt has a name."""
