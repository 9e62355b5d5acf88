"""What owners decide by hand about bonuses: those that wait for a look, trust, goodwill, and codes that leaked."""
