"""Attacks on a migration: it is run on a shop's database with rows, watched, interrupted, run again and looked at."""
