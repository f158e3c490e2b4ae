"""The embedded Management API: stateful, honest about its evidence, on no network."""
