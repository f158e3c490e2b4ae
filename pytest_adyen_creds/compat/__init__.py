"""Compatibility: every use of other projects beyond what they document, a module for each, and nowhere else.

``pyproject.toml`` caps the versions that were tried; ``tests/compat`` says in words what another one changed.
"""
