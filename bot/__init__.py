"""The chat: its texts, its screens, what comes in and what goes out, and the wiring of everything.

Only this package knows Telegram; ``import aiogram`` costs seconds, so nothing that runs without a chat imports
more of it than ``bot.texts`` and ``bot.inbox``.
"""
