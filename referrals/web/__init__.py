"""The door on the web: redirect, friend's page, shop hooks and API."""
