"""Truth three: order ends at the key, and a compensation is not a rollback."""
