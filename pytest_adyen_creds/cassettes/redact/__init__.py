"""Redaction: what must not be recorded, where it stands, and the pseudonyms that take its place."""
