"""What others wrote and our tests are held against: downloaded in the set-up, pinned, never vendored.

`prepare` fetches it into `.runtimes/`, `servers` starts the fakes among it.
"""
