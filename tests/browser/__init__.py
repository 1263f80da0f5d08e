"""The site in a real browser: what a reader can do there, and what can go wrong."""
