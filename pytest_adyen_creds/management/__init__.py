"""The Management API over HTTP: the guarded client and its 26 operations."""
