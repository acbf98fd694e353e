"""Run in a container: a unix socket that leads to the Docker daemon's.

Arguments: the path of the new socket, and the group id that it is to belong to.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

DAEMON = "/var/run/docker.sock"


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while block := await reader.read(65536):
        writer.write(block)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    to_daemon = await asyncio.open_unix_connection(DAEMON)
    try:
        await asyncio.gather(copy(reader, to_daemon[1]), copy(to_daemon[0], writer))
    finally:
        to_daemon[1].close()
        writer.close()


def listening(path: str, group: int) -> socket.socket:
    """The socket, complete before it has its name, as the daemon's own is."""
    unfinished = Path(f"{path}.unfinished")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(unfinished))
    listener.listen()
    os.chown(unfinished, 0, group)
    unfinished.chmod(0o660)
    unfinished.rename(path)
    return listener


async def main(listener: socket.socket) -> None:
    async with await asyncio.start_unix_server(forward, sock=listener) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(listening(sys.argv[1], int(sys.argv[2]))))
