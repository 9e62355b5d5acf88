"""Who brought whom: clicks, sign-ups, orders, and the attribution that decides."""
