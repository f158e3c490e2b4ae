"""Drift: findings in answers, in specifications and in recordings."""
