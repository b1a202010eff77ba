"""Statistics on scores, one module a question. Every function says what it assumes, where its formula comes from, and
when it misleads; docs/statistics.md tells the same at length.

Not here: what a score is (`scorecard`), what is decided from a test (`gate`), what is compared (`compare`).
"""
