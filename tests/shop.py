"""An OpenAPI document of an API that there is not, with what Adyen's documents use."""

from __future__ import annotations

from typing import Any

EXAMPLE = {"reference": "R-1", "amount": {"value": 100, "currency": "EUR"}, "state": "paid", "card.bin": "411111"}


def json_body(schema: Any, **more: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema, **more}}}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


SCHEMAS: dict[str, Any] = {
    "Amount": {
        "type": "object",
        "properties": {"value": {"type": "integer", "format": "int64"}, "currency": {"type": "string", "maxLength": 3}},
        "required": ["value", "currency"],
        "additionalProperties": False,
    },
    "Order": {
        "description": "An order.",
        "type": "object",
        "properties": {
            "reference": {"type": "string", "description": "Yours."},
            "amount": ref("Amount"),
            "state": {"type": "string", "enum": ["paid", "open"]},
            "card.bin": {"type": "string"},
            "note": {"type": ["string", "null"], "maxLength": 5},
            "created": {"type": "string", "format": "date-time", "readOnly": True},
            "old": {"type": "string", "deprecated": True},
            "apiKey": {"type": "string"},
            "keyword": {"type": "string", "description": "The HMAC key that signs webhooks."},
            "means": {
                "oneOf": [ref("Card-Means"), ref("Wallet")],
                "discriminator": {"propertyName": "type", "mapping": {"card": "#/components/schemas/Card-Means"}},
            },
            "within": ref("Order"),
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "count": {"type": "integer", "minimum": 1},
            "share": {"type": "number", "format": "double"},
        },
        "required": ["reference", "amount", "card.bin"],
    },
    "Card-Means": {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]},
    "Wallet": {"type": "object", "properties": {"wallet": {"type": "string"}}, "required": ["wallet"]},
    "Fault": {"properties": {"detail": {"type": "string"}}, "required": ["detail"]},
    "Unused": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
}

ASKS = "Makes it.\n\nYour API credential must have one of the following [roles](https://x.example):\n* A read\n* B"

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Adyen Shop API", "version": "2"},
    "servers": [{"url": "https://shop-test.adyen.com/shop/v2"}],
    "security": [{"Key": []}],
    "paths": {
        "/orders": {
            "post": {
                "operationId": "post-orders",
                "description": ASKS,
                "requestBody": json_body(ref("Order")),
                "responses": {
                    "201": {
                        "description": "Made.",
                        "headers": {"X-Count": {"schema": {"type": "integer"}}},
                        **json_body(ref("Order"), examples={"one": {"$ref": "#/components/examples/one"}}),
                    },
                    "4XX": {"description": "Refused.", **json_body(ref("Fault"))},
                    "422": {"description": "Invalid.", **json_body(ref("Fault"))},
                },
            },
        },
        "/orders/{orderId}": {
            "parameters": [{"$ref": "#/components/parameters/orderId"}],
            "get": {
                "responses": {
                    "200": {
                        "description": "It.",
                        **json_body({"type": "object", "properties": {"order": ref("Order")}}),
                    },
                    "204": {"description": "None."},
                }
            },
        },
    },
    "webhooks": {
        "order.paid": {
            "post": {"requestBody": json_body(ref("Order")), "responses": {"200": {"description": "Taken."}}}
        },
    },
    "components": {
        "schemas": SCHEMAS,
        "examples": {"one": {"value": EXAMPLE}, "bad": {"value": {}}},
        "parameters": {"orderId": {"name": "orderId", "in": "path", "required": True, "schema": {"type": "string"}}},
        "securitySchemes": {"Key": {"type": "apiKey", "name": "X-API-Key", "in": "header"}},
    },
}
