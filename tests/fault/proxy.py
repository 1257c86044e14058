"""A proxy on PostgreSQL's socket that can lose the answer to a commit: the statement has reached the server, the hub never hears of it."""
import os
import select
import socket
import threading

SYNC, READY = ord("S"), ord("Z")
APPEND = b"\0append_"      # the Bind of a statement that commits reports, one or many: portal without name, then the statement's


class Messages:
    """Cuts one direction of the protocol into messages; the first of a client has no type byte."""

    def __init__(self, has_startup):
        self.data, self.has_startup = b"", has_startup

    def take(self, data):
        self.data += data
        while True:
            head = 0 if self.has_startup else 1
            if len(self.data) < head + 4:
                return
            size = head + int.from_bytes(self.data[head:head + 4], "big")
            if len(self.data) < size:
                return
            message, self.data, self.has_startup = self.data[:size], self.data[size:], False
            yield (message[0] if head else 0), message


class Proxy:
    """Listens in a folder of its own; `lose` cuts the connection on the next commit, `wait` returns when that is done."""

    def __init__(self, folder, server_path):
        folder.mkdir()
        os.chmod(folder, 0o755)
        self.folder, self.server_path = folder, str(server_path)
        self.wanted, self.done = None, threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        os.chmod(folder / ".s.PGSQL.5432", 0o777)
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    def lose(self, when):
        """when: "answered", the server has committed and said so; "sent", it has at least been given the commit."""
        self.done.clear()
        self.wanted = when

    def wait(self):
        assert self.done.wait(60), "never happened: a commit through the proxy"

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        server = socket.socket(socket.AF_UNIX)
        try:
            server.connect(self.server_path)
            self.relay(client, server)
        except OSError:
            pass        # the server is away, or one side went: the other learns of it
        finally:
            client.close()
            server.close()

    def relay(self, client, server):
        asked, answered = Messages(True), Messages(False)
        is_append = losing = False
        while True:
            ready, _, _ = select.select([client, server], [], [])
            if client in ready:
                data = client.recv(1 << 18)
                if not data:
                    return
                for kind, message in asked.take(data):
                    is_append = is_append or (kind == ord("B") and message[5:].startswith(APPEND))
                    if kind == SYNC:
                        if is_append and self.wanted and not losing:
                            losing, self.wanted = self.wanted, None
                        is_append = False
                server.sendall(data)
                if losing == "sent":
                    self.done.set()
                    return
            if server in ready:
                data = server.recv(1 << 18)
                if not data:
                    return
                kinds = [kind for kind, _ in answered.take(data)]
                if not losing:
                    client.sendall(data)
                elif READY in kinds:
                    self.done.set()
                    return
