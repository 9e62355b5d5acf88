"""Whom we speak to of our own accord, and when: readiness, cadence, scores, cases, references, plays."""
