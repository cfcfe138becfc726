"""ClickHouse's HTTP interface for the engine in a chdb wheel that has no server.

usage: engine_only.py DATA_FOLDER USERS_XML PORT

It tests whether a version supports the SQL, and what it returns. It doesn't test grants, quotas, constraints, concurrent
queries or streamed answers: requests run one after the other, and an answer is complete before its first byte is sent.
Queries and parameters reach the engine unchanged.
"""

import base64
import contextlib
import ctypes
import fcntl
import http.server
import importlib.util
import os
import pathlib
import re
import signal
import socketserver
import sys
import tempfile
import threading
import urllib.parse
import xml.etree.ElementTree

from ends_with_parent import end_with_parent

# The arguments in a request's URL that are neither query parameters nor settings.
NOT_SETTINGS = {"query", "query_id", "database", "default_format", "user", "password", "session_id", "role", "compress"}

ERROR = re.compile(r"^Code: (\d+)\. .*", re.DOTALL | re.MULTILINE)

# How long a statement may take, in seconds. Some statements never end in an engine without a server's background threads.
STATEMENT_TIMEOUT_S = 60


class EngineError(Exception):
    """Its text is ClickHouse's message."""


def literal(text):
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def assignments(values, prefix=""):
    return ", ".join(f"{prefix}{name} = {literal(value)}" for name, value in values.items())


class CommandLineEngine:
    """The engine of chdb 0 and 1: `clickhouse local` as a function. Each call runs in its own process, because a call
    leaves state in its process that breaks later calls."""

    server_mixin = socketserver.ForkingMixIn

    class Result(ctypes.Structure):
        _fields_ = [("bytes", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    def __init__(self, library, folder):
        self.folder = folder
        self.query_stable = ctypes.CDLL(str(library), mode=os.RTLD_NOW).query_stable
        self.query_stable.restype = ctypes.POINTER(self.Result)

    def run(self, statements, output_format):
        folder = os.path.dirname(self.folder)
        with open(os.path.join(folder, "lock"), "w") as lock, tempfile.TemporaryFile(dir=folder) as answer, \
                tempfile.TemporaryFile(dir=folder) as messages:
            fcntl.flock(lock, fcntl.LOCK_EX)
            child = os.fork()
            if child == 0:
                self.call(statements, output_format, answer, messages)
            _, status = os.waitpid(child, 0)
            messages.seek(0)
            message = messages.read().decode(errors="replace")
            error = ERROR.search(message)
            if error or status != 0:
                raise EngineError(error.group() if error else f"The engine ended with {status}. {message}")
            answer.seek(0)
            return answer.read()

    def call(self, statements, output_format, answer, messages):
        """Never returns."""
        try:
            signal.alarm(STATEMENT_TIMEOUT_S)
            os.dup2(messages.fileno(), 2)
            arguments = ["clickhouse", "--multiquery", f"--path={self.folder}", f"--output-format={output_format}",
                         "--logger.level=fatal", "--query=" + ";\n".join(statements)]
            argv = (ctypes.c_char_p * (len(arguments) + 1))(*[argument.encode() for argument in arguments], None)
            # NULL for a statement without an answer, and for one that failed.
            result = self.query_stable(len(arguments), argv)
            if result:
                answer.write(ctypes.string_at(result.contents.bytes, result.contents.size))
                answer.flush()
            os._exit(0)
        finally:
            os._exit(1)


class ConnectionEngine:
    """The engine of chdb-core: a connection with its own settings for each call."""

    server_mixin = socketserver.ThreadingMixIn

    def __init__(self, library, folder):
        sys.path.insert(0, str(library.parent))
        import _chdb

        self.connect = lambda: _chdb.connect(f"file:{folder}")
        # The engine stops with its last connection.
        self.first = self.connect()
        self.lock = threading.Lock()

    def run(self, statements, output_format):
        with self.lock, contextlib.closing(self.connect()) as connection:
            try:
                for statement in statements:
                    result = connection.query(statement, output_format)
            except RuntimeError as error:
                raise EngineError(str(error)) from error
            if result.has_error():
                raise EngineError(result.error_message())
            return bytes(result.bytes())


def engine_of_wheel(folder):
    # Not imported: the package would start another engine.
    [package] = importlib.util.find_spec("chdb").submodule_search_locations
    [library] = pathlib.Path(package).glob("_chdb*.so")
    return (ConnectionEngine if library.name == "_chdb.abi3.so" else CommandLineEngine)(library, folder)


def users_of(path):
    """The password and the settings of each user."""
    root = xml.etree.ElementTree.parse(path).getroot()
    settings = {
        profile.tag: {setting.tag: setting.text or "" for setting in profile if setting.tag != "constraints"}
        for profile in root.find("profiles")
    }
    return {user.tag: (user.findtext("password") or "", settings[user.findtext("profile")]) for user in root.find("users")}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path == "/ping":
            self.answer(200, b"Ok.\n")
        else:
            self.do_POST()

    def do_POST(self):
        body = self.body()
        arguments = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query, keep_blank_values=True))
        query = "\n".join(part for part in (arguments.get("query", ""), body.decode()) if part)
        try:
            statements = [*self.settings(arguments), query.rstrip().rstrip(";")]
            answer = self.server.engine.run(statements, arguments.get("default_format", "TabSeparated"))
        except EngineError as error:
            message = str(error)
            code = ERROR.search(message)
            headers = {"X-ClickHouse-Exception-Code": code.group(1)} if code else {}
            self.answer(403 if code and code.group(1) == "516" else 500, message.encode() + b"\n", headers)
        else:
            self.answer(200, answer, {"X-ClickHouse-Query-Id": arguments.get("query_id", "")})

    def settings(self, arguments):
        """Returns the statements that set the query's parameters, its database, its user's settings and its own."""
        password, profile = self.server.users.get(self.user()[0], (None, {}))
        if password != self.user()[1]:
            name = self.user()[0]
            raise EngineError(
                f"Code: 516. DB::Exception: {name}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"
            )
        prefix = "param_"
        parameters = {name: value for name, value in arguments.items() if name.startswith(prefix)}
        if parameters:
            yield f"SET {assignments(parameters)}"
        if "database" in arguments:
            yield "USE `" + arguments["database"].replace("\\", "\\\\").replace("`", "\\`") + "`"
        # `readonly` comes last, because it forbids setting the others. The engine refuses settings that the user may not change.
        for settings in (
            {name: value for name, value in profile.items() if name != "readonly"},
            {name: value for name, value in profile.items() if name == "readonly"},
            {name: value for name, value in arguments.items() if name not in NOT_SETTINGS and name not in parameters},
        ):
            if settings:
                yield f"SET {assignments(settings)}"

    def user(self):
        kind, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if kind == "Basic":
            name, _, password = base64.b64decode(encoded).decode().partition(":")
            return name, password
        return "default", ""

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        chunks = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        # The client may have left.
        with contextlib.suppress(ConnectionError):
            self.wfile.write(body)


def serve(folder, users_xml, port):
    engine = engine_of_wheel(folder)

    class Server(engine.server_mixin, http.server.HTTPServer):
        request_queue_size = 64
        # A connection may stay open without a request.
        max_children = 1000
        block_on_close = False

        def handle_error(self, request, client_address):
            if not isinstance(sys.exc_info()[1], ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", port), Handler)
    server.engine = engine
    server.users = users_of(users_xml)
    server.serve_forever()


if __name__ == "__main__":
    end_with_parent()
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
