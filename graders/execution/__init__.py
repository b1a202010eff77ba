"""Graders that run an answer's code in a sandbox and attack it."""
