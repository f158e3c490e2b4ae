"""Drift: findings in specifications, in answers and in recordings.

What a finding is, what an answer is held to, and what is accepted, is the contract's: see
:mod:`pytest_adyen_creds.contract`.
"""
