"""Recipes to paste into a service; each is one file, tested on real servers."""
