"""Measurements of the program itself. Nothing here is part of what is installed."""
