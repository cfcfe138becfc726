"""Runs the server of Debian's package, and ends it when its parent ends, which the server does not do by itself.

usage: debian.py BINARY CONFIG
"""

import os
import sys

from ends_with_parent import end_with_parent

end_with_parent()
os.execv(sys.argv[1], [sys.argv[1], "--config-file=" + sys.argv[2]])
