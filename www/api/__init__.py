"""The HTTP API: routes, calls, answers, and the OpenAPI document."""
