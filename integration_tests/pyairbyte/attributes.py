"""Write profile attributes: from the source through a cache, as by default, and with no cache."""

import airbyte as ab

from part import configuration, tell, wait

source = ab.get_source(
    "source-clickhouse",
    local_executable="bin/source-clickhouse",
    config=configuration("source.json"),
    streams=["customers"],
)
destination = ab.get_destination(
    "destination-batch", local_executable="bin/destination-batch", config=configuration("destination.json")
)

# By default, the rows go through a cache.
written = destination.write(source)
tell(processed=written.processed_records)
wait()

states = ab.new_local_cache("states")
for _ in range(2):
    written = destination.write(source, cache=False, state_cache=states)
    tell(processed=written.processed_records)
    wait()
