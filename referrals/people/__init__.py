"""Customers: the identities that name them, joining them, and the tokens that connect a chat."""
