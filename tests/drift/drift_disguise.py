"""The same document written differently: what a comparison of meaning must not see."""

from __future__ import annotations

import copy
import random
import re
from typing import Any


def disguise(document: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Return ``document`` in other words, order, dialect and layout, with the same meaning."""
    return _Disguise(rng).document(copy.deepcopy(document))


class _Disguise:
    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.is_3_0 = rng.random() < 0.4
        self.components: dict[str, dict[str, Any]] = {}

    def maybe(self, chance: float = 0.3) -> bool:
        return self.rng.random() < chance

    def document(self, document: dict[str, Any]) -> dict[str, Any]:
        schemes = document["components"]["securitySchemes"]
        names = {name: f"{name}{self.rng.randrange(100)}" if self.maybe() else name for name in schemes}
        self.components["securitySchemes"] = {names[name]: scheme for name, scheme in schemes.items()}
        paths = {}
        for path, item in document["paths"].items():
            new = {
                name: f"{name}{self.rng.randrange(9)}" if self.maybe() else name
                for name in re.findall(r"\{(.*?)\}", path)
            }
            for operation in item.values():
                self._operation(operation, new, names)
            if self.maybe():
                self._lift_parameters(item)
            paths[re.sub(r"\{(.*?)\}", lambda match, new=new: f"{{{new[match[1]]}}}", path)] = item
        result = {
            "openapi": "3.0.3" if self.is_3_0 else "3.1.0",
            "info": {"title": str(self.rng.random()), "version": "9"},
            "servers": document["servers"],
            "paths": paths,
            "components": self.components,
        }
        return self._shuffled(result)

    def _operation(self, operation: dict[str, Any], new: dict[str, str], schemes: dict[str, str]) -> None:
        for old, name in new.items():
            operation["operationId"] = re.sub(rf"\b{old}\b", name, operation["operationId"])
        operation["summary"] = operation["description"] = str(self.rng.random())
        operation["tags"] = [str(self.rng.random())]
        operation["security"] = [
            {schemes[name]: scopes for name, scopes in alternative.items()} for alternative in operation["security"]
        ]
        self.rng.shuffle(operation["security"])
        for parameter in operation["parameters"]:
            parameter["name"] = new.get(parameter["name"], parameter["name"])
            parameter["schema"] = self.schema(parameter["schema"])
            parameter["description"] = str(self.rng.random())
            if parameter["in"] == "header" and self.maybe():
                parameter["name"] = parameter["name"].lower()
            if parameter["in"] == "query" and self.maybe() and "style" not in parameter:
                parameter |= {"style": "form", "explode": parameter.get("explode", True)}
        self.rng.shuffle(operation["parameters"])
        operation["parameters"] = [self._hoisted("parameters", each) for each in operation["parameters"]]
        if "requestBody" in operation:
            self._content(operation["requestBody"])
            operation["requestBody"] = self._hoisted("requestBodies", operation["requestBody"])
        for status, response in operation["responses"].items():
            response["description"] = str(self.rng.random())
            self._content(response)
            for name, header in response.get("headers", {}).items():
                header["schema"] = self.schema(header["schema"])
                response["headers"][name] = self._hoisted("headers", header)
            operation["responses"][status] = self._hoisted("responses", response)

    def _content(self, node: dict[str, Any]) -> None:
        for media in node.get("content", {}).values():
            media["schema"] = self.schema(media["schema"])
            media["example"] = self.rng.random()
        if "application/json" in node.get("content", {}) and self.maybe():
            node["content"]["application/json; charset=utf-8"] = node["content"].pop("application/json")

    def _lift_parameters(self, item: dict[str, Any]) -> None:
        """Move the parameters that all operations of a path share to the path."""
        every = [operation["parameters"] for operation in item.values()]
        shared = [each for each in every[0] if all(each in parameters for parameters in every[1:])]
        for parameters in every:
            parameters[:] = [each for each in parameters if each not in shared]
        item["parameters"] = shared

    def _hoisted(self, section: str, node: dict[str, Any]) -> dict[str, Any]:
        if not self.maybe():
            return node
        name = f"C{self.rng.randrange(10**9)}"
        self.components.setdefault(section, {})[name] = node
        return {"$ref": f"#/components/{section}/{name}"}

    def schema(self, schema: Any) -> Any:
        if not isinstance(schema, dict):
            return schema
        schema = dict(schema)
        if "properties" in schema:
            schema["properties"] = {name: self.schema(inner) for name, inner in schema["properties"].items()}
        for keyword in ("items", "not"):
            if keyword in schema:
                schema[keyword] = self.schema(schema[keyword])
        for keyword in ("oneOf", "anyOf"):
            if keyword in schema:
                schema[keyword] = [self.schema(inner) for inner in schema[keyword]]
                self.rng.shuffle(schema[keyword])
        schema = self._dialect(self._idle(schema))
        if self.maybe():
            schema = self._split(schema)
        return self._hoisted("schemas", schema)

    def _idle(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Add and drop what says nothing, and put lists in another order."""
        if self.maybe():
            schema |= {"title": str(self.rng.random()), "description": "…", "x-idle": 1}
        for keyword in ("required", "enum"):
            if keyword in schema:
                schema[keyword] = self.rng.sample(schema[keyword], len(schema[keyword]))
        kind = schema.get("type")
        if kind == "string" and "minLength" not in schema and self.maybe():
            schema["minLength"] = 0
        if kind == "array" and "uniqueItems" not in schema and self.maybe():
            schema["uniqueItems"] = False
        if kind == "object" and not schema.keys() & {"additionalProperties", "unevaluatedProperties"} and self.maybe():
            schema["additionalProperties"] = True
        if schema.get("format") == "int32" and self.maybe():
            schema.setdefault("minimum", -(2**31))
            schema.setdefault("maximum", 2**31 - 1)
        if kind == "object" and schema.get("properties") and self.maybe():
            del schema["type"]
        if (
            kind in ("integer", "string")
            and not schema.keys() - {"type", "title", "description", "x-idle"}
            and self.maybe()
        ):
            schema["maxItems"] = 3  # about another type: says nothing
        return schema

    def _dialect(self, schema: dict[str, Any]) -> dict[str, Any]:
        kind = schema.get("type")
        if isinstance(kind, list) and "null" in kind:
            (name,) = set(kind) - {"null"}
            if self.is_3_0:
                schema |= {"type": name, "nullable": True}
            elif self.maybe() and "enum" not in schema:
                schema = {"anyOf": [schema | {"type": name}, {"type": "null"}]}
        if self.is_3_0:
            for keyword in ("Minimum", "Maximum"):
                exclusive, plain = f"exclusive{keyword}", keyword.lower()
                if exclusive in schema:
                    schema |= {plain: schema[exclusive], exclusive: True}
        elif len(schema.get("enum", [])) == 1 and self.maybe():
            schema["const"] = schema.pop("enum")[0]
        return schema

    def _split(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Write an object as ``allOf`` of its halves, or anything as ``allOf`` of itself."""
        names = list(schema.get("properties", {}))
        if len(names) > 1 and schema.get("additionalProperties", True) is True and "nullable" not in schema:
            first = set(names[: len(names) // 2])
            halves = [
                {
                    "type": "object",
                    "properties": {n: inner for n, inner in schema["properties"].items() if (n in first) == mine},
                    "required": [n for n in schema.get("required", []) if (n in first) == mine],
                }
                for mine in (True, False)
            ]
            rest = {
                k: v for k, v in schema.items() if k not in ("properties", "required", "type", "additionalProperties")
            }
            return rest | {"allOf": halves}
        return {"allOf": [schema]}

    def _shuffled(self, node: Any) -> Any:
        if isinstance(node, dict):
            return {key: self._shuffled(node[key]) for key in self.rng.sample(list(node), len(node))}
        return [self._shuffled(item) for item in node] if isinstance(node, list) else node
