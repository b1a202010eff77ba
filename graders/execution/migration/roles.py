"""The roles of the shop's database. Their passwords are their names, but for those that only the oracle may use."""

from __future__ import annotations

from graders.execution import cluster

SUPERUSER = cluster.SUPERUSER
"""Reads catalogs and steers the probe; runs nothing that the migration made."""
READER = "reader"
"""Reads every row for the oracle. Code of the migration that such a read might call has no more rights than that."""
OWNER = "shop_owner"
"""Owns the database and its tables, and runs the migration."""
APP = "shop_app"
"""The role of the web servers."""
OUTSIDER = "outsider"
"""May connect and has no other right of its own, such as a reporting tool's role."""
