"""How the schema came to be, one revision a change; ``storage.schema`` runs them."""
