"""The endpoints: routes, calls, answers, and the document of them."""
