"""A small program that stands in for a part of the stack in tests of the supervisor.

`stand_in.py PORT DIARY NAME [stubborn]` answers every HTTP request with 200 and writes its name to DIARY when it is
asked to stop; a stubborn one does not stop.
"""

import signal
import socket
import sys
from pathlib import Path


def main() -> None:
    port, diary, name, *manners = sys.argv[1:]

    def on_term(_number: int, _frame: object) -> None:
        with Path(diary).open("a") as file:
            file.write(name + "\n")
        if not manners:
            sys.exit(0)

    signal.signal(signal.SIGTERM, on_term)
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", int(port)))
        listener.listen()
        while True:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


main()
