"""The rehearsal: tests that passed run again under what an API may answer tomorrow, and each gets a verdict."""
