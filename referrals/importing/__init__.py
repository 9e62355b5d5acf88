"""Files of a shop's past: rows read from CSV, and applied through the rules that hooks go through."""
