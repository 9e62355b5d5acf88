"""How suspicious a bonus looks, before it is booked: a score with its parts. What waits is decided in ``reviewing``."""
