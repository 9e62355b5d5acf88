"""The outside world for the try-out and the tests: Telegram, a chat page in the browser and a shop.

Nothing here knows the programme: everything is told over HTTP, as the real ones tell it. The Bot API
server keeps to what Telegram does, not to what our bot would like, so that a bot that works here
works there.
"""
