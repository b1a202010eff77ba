"""The verbs of the command line, a module each: parse nothing, build, call, render, return an exit code."""
