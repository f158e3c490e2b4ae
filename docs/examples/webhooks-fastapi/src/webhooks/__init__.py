"""Takes Adyen's webhooks: signed, once each, and fast."""
