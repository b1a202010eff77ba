"""The model judge: how a criterion becomes a question, and how a reply becomes a grade."""
