"""Asks three questions of a served lake with the client that openapi-python-client made of the document.

Arguments: the folder of the client's package, the address of the server. Writes the answers as JSON.
"""

import importlib
import json
import sys

folder, url = sys.argv[1:]
sys.path.insert(0, folder)
package = importlib.import_module("lake_client")
api = lambda name: importlib.import_module(f"lake_client.api.default.{name}")
models = importlib.import_module("lake_client.models")
client = package.Client(base_url=url)

counted = api("aggregates").sync(client=client, group_by=["category"], not_category=["Graffiti"], limit=5)
posted = api("post_incidents").sync(
    client=client, body=models.PostIncidentsBody.from_dict({"not_category": ["Graffiti"], "limit": 3})
)
resources = api("resources").sync(client=client)
wrong = api("aggregates").sync(client=client, group_by=["category"], start_time="yesterday")
print(json.dumps({
    "counted": [row.to_dict() for row in counted],
    "incidents": [row.to_dict() for row in posted],
    "landed": [resource.name for resource in resources if resource.landed],
    "wrong": [type(wrong).__name__, wrong.parameter],
}))
