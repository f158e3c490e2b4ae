"""Cassettes: recordings without secrets, and their replay."""
