"""Contract checks: schemathesis cases and the rules of Adyen's documents."""
