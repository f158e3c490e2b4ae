"""The contract: JSON Structure documents and OpenAPI operations, compiled, and bodies judged by them."""
