"""PyAirbyte instead of the pipe: our source, and our destination or PyAirbyte's own cache."""

import json
import sys

import airbyte as ab
from airbyte.caches import DuckDBCache

paths_path, cache_path = sys.argv[1:]
with open(paths_path, encoding="utf-8") as file:
    paths = json.load(file)

cache = DuckDBCache(db_path=cache_path)
source = ab.get_source("source-clickhouse", config=paths["source_config"], local_executable=paths["source"])
source.select_streams([paths["stream"]])
if "destination" in paths:
    destination = ab.get_destination(
        "destination-batch", config=paths["destination_config"], local_executable=paths["destination"]
    )
    destination.write(source, cache=False, state_cache=cache)
else:
    source.read(cache=cache)
