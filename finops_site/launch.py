"""Starts a program that cannot outlive the process that started it.

Run as a script (`python launch.py PARENT_PID USER PROGRAM …`): it becomes USER (`-` keeps the current
one), asks the kernel for a SIGKILL when the parent dies, and turns into PROGRAM with the same process
id. A script, and not a `preexec_fn`, because Python code between fork and exec can hang a process
that has threads. Imports only the standard library, so that it starts in milliseconds.
"""

import ctypes
import os
import pwd
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int) -> None:
    """Have the kernel kill this process when `parent_pid` is gone; at once if it already is.

    The kernel watches the thread that started this process, so that thread must live as long as the
    child should. Only Linux can do it; elsewhere this does nothing.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def become(user_name: str) -> None:
    """Give up root for this user. Must come before `die_with_parent`: a new identity clears that wish."""
    user = pwd.getpwnam(user_name)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def main(arguments: list[str]) -> None:
    parent_pid, user_name, *command = arguments
    if user_name != "-":
        become(user_name)
    die_with_parent(int(parent_pid))
    os.execvp(command[0], command)  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
