"""Ways to answer a request: recorded, cached, live, scripted. All of one shape."""
