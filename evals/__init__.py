"""The harness: cases, personas, requests, providers, scorecards and the command line. Stands on `graders`."""
