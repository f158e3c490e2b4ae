"""pytest-adyen-creds: throwaway API credentials, contract checks and drift detection for Adyen."""
