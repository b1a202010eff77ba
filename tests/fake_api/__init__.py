"""A Messages and Message Batches API on loopback for tests: one real HTTP server, with faults on demand.

`server` is the server, `faults` what can go wrong, `batches` and `messages` what it keeps and says, `shapes` the check of
every request against the SDK's own types, `recorded` answers from the committed recordings. What it is held against
itself: `tests/integration/test_sdk_suite.py`.
"""
