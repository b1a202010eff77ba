"""Values as text: the only place that knows tables, colours and column widths."""
