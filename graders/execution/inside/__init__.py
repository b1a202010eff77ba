"""What runs inside a box, by the box's own Python: nothing but the standard library, and as little of it as can be.

A box has to start in 20 ms, and `signal`, `socket`, `typing`, `collections.abc` and `pathlib` take 5 to 10 ms each to load: hence numbers
for signals, `_socket`, and imports for annotations under a `TYPE_CHECKING` of our own.
"""
