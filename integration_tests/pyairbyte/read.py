"""Check, discover, and read into a cache of PyAirbyte, twice."""

import airbyte as ab
from airbyte import exceptions

from part import configuration, plain_rows, tell, wait

settings = configuration("source.json")
source = ab.get_source("source-clickhouse", local_executable="bin/source-clickhouse", config=settings)

source.check()
refused = ab.get_source(
    "source-clickhouse", local_executable="bin/source-clickhouse", config={**settings, "password": "wrong"}
)
try:
    refused.check()
except exceptions.AirbyteConnectorCheckFailedError as error:
    tell(refusal=error.context["failure_reason"])

streams = source.get_available_streams()
tell(streams=streams, fields={name: list(source.get_stream_json_schema(name)["properties"]) for name in streams})

source.select_streams(["events"])
cache = ab.new_local_cache("read")
for _ in range(2):
    result = source.read(cache=cache)
    tell(processed=result.processed_records, rows=plain_rows(result["events"]))
    wait()
