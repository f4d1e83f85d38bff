"""Become another program that ends with its parent; where wanted, one that is not root.

``python -I -S tether.py --parent PID [--signal N] [--unprivileged namespace|UID:GID] -- PROGRAM ARG …``

Standard library only and run by its path: it is replaced by the program a few milliseconds later. PostgreSQL
refuses to be root. In a user namespace of its own it is not, while its files stay root's: this is what
``unshare --user --map-user=1000`` does, by the system call.
"""

import argparse
import contextlib
import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
SOMEBODY = 1000


def enter_namespace() -> None:
    """Be user 1000 of a new user namespace, who is this user outside."""
    uid, gid = os.getuid(), os.getgid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{SOMEBODY} {uid} 1"),
        ("gid_map", f"{SOMEBODY} {gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w", encoding="ascii") as stream:  # noqa: PTH123 - fast start
            stream.write(text)


def become(account: str) -> None:
    """Give up root for an account that owns nothing."""
    uid, gid = (int(part) for part in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie(parent: int, number: int) -> None:
    """Ask the kernel to send a signal when the parent ends, however it ends."""
    with contextlib.suppress(AttributeError, OSError):  # not on macOS, where the keeper watches
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(1)


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--unprivileged", default="")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    try:
        if asked.unprivileged == "namespace":
            enter_namespace()
        elif asked.unprivileged:
            become(asked.unprivileged)
    except OSError as error:
        sys.stderr.write(f"cannot give up root: {error}\n")
        sys.exit(126)
    tie(asked.parent, asked.signal)
    os.execv(asked.command[0], asked.command)  # noqa: S606 - becoming a program is the purpose


if __name__ == "__main__":
    main()
