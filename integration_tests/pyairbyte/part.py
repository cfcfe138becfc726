"""What the parts of the test share: configurations, rows as strings, and the communication with the test that started them."""

import datetime
import decimal
import json
import os
import sys

_to_test = os.fdopen(3, "w", encoding="utf-8")


def configuration(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def tell(**what):
    """Reports the result of a step to the test. stdout and stderr belong to PyAirbyte."""
    print(json.dumps(what), file=_to_test, flush=True)


def wait():
    """Waits until the test has done its part and asks for the next step."""
    sys.stdin.readline()


def plain_rows(dataset):
    """The rows of a cache as ClickHouse's toString would write them, without what PyAirbyte adds."""
    return [
        {name: _plain(value) for name, value in row.items() if not name.startswith("_airbyte_")} for row in dataset
    ]


def _plain(value):
    if value is None or isinstance(value, (bool, list)):
        return value
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, decimal.Decimal):
        return format(value.normalize(), "f")
    return str(value)
