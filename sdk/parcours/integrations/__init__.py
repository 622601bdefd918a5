"""Parcours inside web frameworks and task queues, each an optional import.

`parcours.integrations.django`, `.flask`, `.asgi` (Starlette, FastAPI), `.aiohttp` and `.celery`. All web integrations
share one `parcours.integrations.web.WebTracking`; importing one loads its framework and no other.
"""
