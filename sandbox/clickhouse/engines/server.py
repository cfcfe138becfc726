"""Runs the ClickHouse server in a chdb wheel: its library exports the entry point of `clickhouse server`.

usage: server.py CONFIG
"""

import ctypes
import importlib.util
import os
import pathlib
import sys

from ends_with_parent import end_with_parent

end_with_parent()
# Not imported: the package would start another engine.
[package] = importlib.util.find_spec("chdb").submodule_search_locations
[library] = pathlib.Path(package).glob("_chdb*.so")
engine = ctypes.CDLL(str(library), mode=os.RTLD_NOW)

arguments = [b"clickhouse-server", b"--config-file=" + os.fsencode(sys.argv[1])]
argv = (ctypes.c_char_p * (len(arguments) + 1))(*arguments, None)
# int mainEntryClickHouseServer(int, char **)
os._exit(engine._Z25mainEntryClickHouseServeriPPc(len(arguments), argv))
