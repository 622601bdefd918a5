"""The collector's doors from outside: what commands send goes over HTTP, like any other source's touchpoints."""
