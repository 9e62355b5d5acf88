"""The screens: one conversation a file, each with its router, its use cases, its views and how they are said."""
