"""Check the destination, and write to it: from the source through a cache, as by default, and with no cache."""

import airbyte as ab
from airbyte import exceptions

from part import configuration, tell, wait

settings = configuration("destination.json")
destination = ab.get_destination("destination-batch", local_executable="bin/destination-batch", config=settings)

destination.check()
refused = ab.get_destination(
    "destination-batch", local_executable="bin/destination-batch", config={**settings, "rest_api_key": "wrong"}
)
try:
    refused.check()
except exceptions.AirbyteConnectorCheckFailedError as error:
    tell(refusal=error.context["failure_reason"])

source = ab.get_source(
    "source-clickhouse",
    local_executable="bin/source-clickhouse",
    config=configuration("source.json"),
    streams=["events"],
)

# By default, the rows go through a cache.
written = destination.write(source)
tell(processed=written.processed_records)
wait()

try:
    refused.write(source, cache=False, state_cache=ab.new_local_cache("refused"))
except exceptions.AirbyteConnectorWriteError as error:
    tell(refusal=error.log_file.read_text(encoding="utf-8"))

states = ab.new_local_cache("states")
for _ in range(3):
    written = destination.write(source, cache=False, state_cache=states)
    tell(processed=written.processed_records)
    wait()
