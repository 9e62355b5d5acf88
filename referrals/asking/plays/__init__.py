"""One play a file: what the clock may say of its own accord, to whom, and until when."""
