"""Lines that fail: answers that get lost, and a database that is far away."""

import asyncio
import contextlib
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

from tests.chaos.databases import wait_for_port
from tests.chaos.wire import Address


class LosingProxy:
    """Passes each request on, and loses so many of the answers (0.3: three in ten)."""

    def __init__(self, target: Address, share: float) -> None:
        self._target, self._share = target, share
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address: Address = ("127.0.0.1", self._listener.getsockname()[1])
        self.lost = 0

    def serve(self) -> None:
        """Serve until the listener is closed."""
        while True:
            try:
                line, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(line,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _pass_on(self, line: socket.socket) -> None:
        with line, contextlib.suppress(OSError), socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._answer, args=(server, line), daemon=True)
            back.start()
            while chunk := line.recv(65536):
                server.sendall(chunk)
            back.join()

    def _answer(self, server: socket.socket, line: socket.socket) -> None:
        received = bytearray()
        with contextlib.suppress(OSError):
            while chunk := server.recv(65536):
                received += chunk
            if random.random() < self._share:
                self.lost += 1
            else:
                line.sendall(received)
            line.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def losing_answers(target: Address, *, share: float) -> Iterator[LosingProxy]:
    """Have a proxy in front of the target that loses so many of its answers."""
    proxy = LosingProxy(target, share)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()


@contextlib.contextmanager
def far_away(*, port: int, target: int, delay_ms: int) -> Iterator[None]:
    """Have a port that leads to another one, with so much delay on the way there."""
    arguments = [str(port), str(target), str(delay_ms)]
    process = subprocess.Popen([sys.executable, "-m", "tests.chaos.proxies", *arguments])
    try:
        wait_for_port(port)
        yield
    finally:
        process.terminate()
        process.wait()


async def _relay(port: int, target: int, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(
            _pump(reader, there_writer, delay),
            _pump(there_reader, writer, 0),
            return_exceptions=True,
        )

    server = await asyncio.start_server(connected, "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(65536):
            if delay:
                loop.call_later(delay, writer.write, chunk)
            else:
                writer.write(chunk)
    loop.call_later(delay, writer.close)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_relay(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) / 1000))
