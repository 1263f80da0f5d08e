"""Delivery: what a lost ack, a crash and a late request do to one charge."""
