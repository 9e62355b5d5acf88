"""``/api/v1``: JSON, keys with scopes, problem details, answers that can be asked for twice."""
