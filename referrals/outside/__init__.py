"""The door outwards: what we ask of others, and what we tell them; asynchronous, and never within a transaction."""
