"""Tell systemd, where there is one, what the service is doing (sd_notify)."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1` to the socket that NOTIFY_SOCKET names; do nothing without one."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.connect("\0" + address[1:] if address.startswith("@") else address)
        sock.sendall(state.encode())
