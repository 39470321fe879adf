"""The engine of ClickHouse as a library (chdb), behind as much of its HTTP interface as its clients in JavaScript and Go use: for tests on machines that have no server.

    front.py DIRECTORY [PORT]

Prints the port that it listens on, on 127.0.0.1, and serves until its standard input ends.
"""

import json
import os
import re
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

from chdb import session

# Of the interface itself, and no settings of the engine.
NO_SETTINGS = re.compile(
    r"^(query|query_id|readonly|database|default_format|session_id|session_timeout|session_check|user|password|role|compress|decompress|"
    r"wait_end_of_query|buffer_size|enable_http_compression|cancel_http_readonly_queries_on_client_close|"
    r"send_progress_in_http_headers|client_protocol_version|http_.*|param_.*)$"
)
INSERT = re.compile(r"^\s*INSERT INTO (\S+)\s*\((.*)\)\s*FORMAT\s+(\w+)\s*$", re.S)


class Engine:
    """One query at a time, as the library has one session."""

    def __init__(self, directory):
        self.session = session.Session(os.path.join(directory, "data"))
        self.directory = directory
        self.lock = threading.Lock()
        self.types = {}
        # The queries of tests are small, and many.
        self.ask("SET max_threads = 1, max_insert_threads = 1")

    def run(self, sql, parameters, settings, body, form):
        with self.lock:
            if parameters:
                self.ask("SET " + ", ".join(f"param_{name} = {quoted(value)}" for name, value in parameters.items()))
            insert = INSERT.match(sql)
            if insert and body:
                return self.insert(*insert.groups(), settings, body)
            reads = re.match(r"\s*(SELECT|WITH|SHOW|DESC|DESCRIBE)\b", sql)
            if reads and form == "Native":
                return native(self.session.query(sql, "JSONCompactStringsEachRowWithNamesAndTypes").bytes())
            return self.ask(sql + (settings_of(settings) if reads else ""))

    def insert(self, table, columns, form, settings, body):
        names = [name.strip().strip('`"') for name in columns.split(",")]
        if table not in self.types:
            rows = self.ask(f"DESCRIBE TABLE {table} FORMAT TSVRaw").decode().splitlines()
            self.types[table] = dict(row.split("\t")[:2] for row in rows)
        structure = ", ".join(f"`{name}` {self.types[table][name]}" for name in names)
        with tempfile.NamedTemporaryFile(dir=self.directory, suffix=".rows") as file:
            file.write(body)
            file.flush()
            source = f"file({quoted(file.name)}, {quoted(form)}, {quoted(structure)})"
            return self.ask(f"INSERT INTO {table} ({columns}) SELECT * FROM {source}" + settings_of(settings))

    def ask(self, sql):
        return self.session.query(sql, "TabSeparated").bytes()


def native(rows):
    """A block in the Native format as the protocol of the time has it, of texts and whole numbers, as the client in Go asks for it."""
    names, types, *rows = (json.loads(row) for row in rows.splitlines())
    # What is known of the block, each with its number.
    out = bytearray(b"\x01\x00\x02\xff\xff\xff\xff\x00")
    varint(out, len(names))
    varint(out, len(rows))
    for i, (name, kind) in enumerate(zip(names, types)):
        text(out, name)
        text(out, kind)
        # No serialization of its own.
        out.append(0)
        for row in rows:
            if kind.startswith("UInt"):
                out += int(row[i]).to_bytes(int(kind[4:]) // 8, "little")
            else:
                text(out, row[i])
    return bytes(out)


def text(out, value):
    varint(out, len(value.encode()))
    out += value.encode()


def varint(out, value):
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)


def quoted(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def settings_of(settings):
    if not settings:
        return ""
    return " SETTINGS " + ", ".join(
        f"{name} = {value if re.match(r'^-?[0-9.]+$', value) else quoted(value)}" for name, value in settings.items()
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        if urlsplit(self.path).path == "/ping":
            return self.answer(200, b"Ok.\n")
        return self.do_POST()

    def do_POST(self):
        asked = dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        body = self.body()
        sql = asked.get("query")
        if sql is None:
            sql, body = body.decode(), b""
        parameters = {name[6:]: value for name, value in asked.items() if name.startswith("param_")}
        settings = {name: value for name, value in asked.items() if not NO_SETTINGS.match(name)}
        try:
            return self.answer(200, self.server.engine.run(sql, parameters, settings, body, asked.get("default_format")))
        except Exception as error:
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            return self.answer(500, text.encode(), {"X-ClickHouse-Exception-Code": code.group(1) if code else "0"})

    def body(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            parts = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def answer(self, status, body, headers={}):
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    directory = sys.argv[1]
    server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Handler)
    server.engine = Engine(directory)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


main()
