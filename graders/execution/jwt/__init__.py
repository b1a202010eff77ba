"""Attacks on an Express service with JWT authentication, as the case `jwt-auth` asks for it."""
