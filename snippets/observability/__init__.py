"""Truth 2: evidence is partial, and silence is no evidence at all."""
