"""Airbyte's standard tests for connectors, to run in a folder such as airbyte/source-clickhouse:

pytest -p airbyte_cdk.test.standard_tests.pytest_hooks ../../integration_tests/airbyte/test_standard.py --connector-image IMAGE
"""

from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite


class TestSuite(DockerConnectorTestSuite):
    """All tests of the base class. Its configurations are those in acceptance-test-config.yml."""
