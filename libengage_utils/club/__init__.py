"""A session of people before a notebook: guesses before figures, assumptions to turn, decisions to keep."""
