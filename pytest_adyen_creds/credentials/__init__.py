"""Throwaway credentials: provided, leased, reset, and always put away."""
