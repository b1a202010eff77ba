"""Attacks on a payment endpoint: FastAPI and PostgreSQL in a box, the payment provider and every oracle outside."""
