"""What the command line does, one module a subject; ``cli.py`` declares the commands and loads these when they run."""
