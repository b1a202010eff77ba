"""The ground floor: answers, criteria, rules, judges and grades. Knows no files, networks, runs or tables."""
