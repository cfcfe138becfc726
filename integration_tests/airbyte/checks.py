"""Runs Airbyte's own checks of connectors, and prints their results as JSON.

The working folder has the layout of Airbyte's repository. Its `input.json` contains the connectors with their metadata and
specification, the names of the checks to leave out, the catalog of `discover`, and the registry.
"""

import json
import sys
from pathlib import Path
from typing import Any

from airbyte_connector_models.metadata.v0.connector_registry_v0 import ConnectorRegistryV0
from airbyte_ops_mcp.connector_ops import utils
from airbyte_ops_mcp.connector_qa.checks import ENABLED_CHECKS
from airbyte_ops_mcp.metadata_validator import PRE_UPLOAD_VALIDATORS, ValidatorOptions, validate_and_load
from airbyte_ops_mcp.regression_tests.validation.catalog_validators import validate_catalog
from airbyte_ops_mcp.registry.generate import _build_registry_entry
from airbyte_protocol.models import AirbyteCatalog


def check_quality(name: str, left_out: list[str]) -> dict[str, Any]:
    """The result of each check of the connector's folder and page."""
    connector = utils.Connector(name)
    results = {}
    for check in ENABLED_CHECKS:
        if type(check).__name__ in left_out:
            continue
        result = check.run(connector)
        results[type(check).__name__] = [result.status.name, result.message]
    return results


def check_metadata(name: str) -> str | None:
    """What is wrong with the metadata, without the checks that ask Docker Hub."""
    connector = utils.Connector(name)
    options = ValidatorOptions(docs_path=str(connector.documentation_file_path), disable_dockerhub_checks=True)
    _, error = validate_and_load(connector.metadata_file_path, PRE_UPLOAD_VALIDATORS, options)
    return None if error is None else str(error)


def build_entry(metadata: dict[str, Any], specification: dict[str, Any]) -> dict[str, Any]:
    """The registry entry that Airbyte generates, without what depends on its servers and on the time."""
    entry = _build_registry_entry(metadata, "oss", specification, local_dependencies={})
    return {key: value for key, value in entry.items() if key not in ("generated", "iconUrl", "packageInfo")}


def main() -> None:
    given = json.loads(Path("input.json").read_text())
    # Airbyte's registry has neither connector, and needs a network.
    utils.download_catalog = lambda _: {"sources": [], "destinations": []}
    ConnectorRegistryV0.model_validate(given["registry"])
    catalog = AirbyteCatalog.model_validate(given["catalog"])
    connectors = given["connectors"]
    results = {
        "quality": {name: check_quality(name, given["leftOut"]) for name in connectors},
        "metadata": {name: check_metadata(name) for name in connectors},
        "catalog": [[result.message, result.errors] for result in validate_catalog(catalog) if not result.passed],
        "entries": {name: build_entry(each["metadata"], each["specification"]) for name, each in connectors.items()},
    }
    Path(sys.argv[1]).write_text(json.dumps(results))


main()
