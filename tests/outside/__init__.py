"""The drill from outside: ``make drill`` plays the fifteen lines against processes of the service.

Nothing of ``referrals`` or ``storage`` is imported: a line knocks at the doors that customers, shops and operators
have, over HTTP, in a chat of the sandbox's Telegram, and with commands. What it expects stands there in plain numbers.
"""
