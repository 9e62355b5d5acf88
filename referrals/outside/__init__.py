"""The door outwards: what we ask of others, a shop's API first of all; never within a transaction."""
