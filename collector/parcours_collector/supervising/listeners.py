"""The listening sockets: one a worker, all on one port, held by the supervisor for as long as it lives.

The kernel spreads connections over sockets that share a port (SO_REUSEPORT) by a hash of the addresses, so every worker
gets its share, also of connections that live for hours; on one socket that all workers accept from, whichever is idle
first takes what it finds. Because the supervisor keeps each socket open, a worker that ends takes no connection with
it that the kernel had already made: its successor finds it waiting. A socket that each worker opened itself would
reset those.
"""

import errno
import socket
import sys

from parcours_collector.errors import PortInUse

BACKLOG = 1024


def open_listeners(host: str, port: int, count: int) -> tuple[socket.socket, ...]:
    """Return `count` listening sockets on one port, or one socket `count` times where the kernel spreads nothing.

    Raises:
        PortInUse: Something listens there already.
    """
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    # A socket that shares its port would also share it with a stranger's: one that does not finds out.
    with _bound(family, address, shared=False) as alone:
        address = alone.getsockname()
    if sys.platform != "linux":
        return (_listening(_bound(family, address, shared=False)),) * count
    held: list[socket.socket] = []
    try:
        for _ in range(count):
            held.append(_listening(_bound(family, address, shared=True)))  # noqa: PERF401 - closed on the way out
    except BaseException:
        for one in held:
            one.close()
        raise
    return tuple(held)


def _bound(family: socket.AddressFamily, address: object, *, shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)  # type: ignore[arg-type] # of getaddrinfo
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            where = address if isinstance(address, tuple) else ("?", "?")
            raise PortInUse(f"Port {where[1]} of {where[0]} is in use.") from error
        raise
    return sock


def _listening(sock: socket.socket) -> socket.socket:
    sock.listen(BACKLOG)
    return sock
