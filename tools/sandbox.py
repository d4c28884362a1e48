# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a command so that nothing of it outlives it: processes, network namespaces and mounts go when it ends."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile

PR_SET_PDEATHSIG = 1
INSIDE = "SALLYPORT_SANDBOX"
UNSHARE = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"]
# What programs leave in these folders vanishes with our mount namespace: above all the names of network namespaces, and with
# them the namespaces.
OWN_FOLDERS = "for folder in /run/netns /run/dpdk /run/sallyport-demo; do mkdir -p $folder && mount -t tmpfs tmpfs $folder || exit 1; done"


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _available() -> bool:
    probe = UNSHARE + ["sh", "-c", OWN_FOLDERS]
    return os.geteuid() == 0 and shutil.which("unshare") is not None and (
        subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0)


def inside() -> bool:
    """Whether this process is the command that `run` started."""
    return INSIDE in os.environ


def run(command: list[str]) -> int:
    """Runs `command` and returns its exit status; 130 when a signal interrupted it.

    As root the command gets its own PID and mount namespaces, which the kernel empties when its first process ends, however it
    ends. Otherwise it only gets a process group that is killed on interruption.
    """
    with tempfile.TemporaryDirectory(prefix="sallyport-") as scratch:
        os.chmod(scratch, 0o711)  # daemons under test give root up and must still pass through
        environment = dict(os.environ, TMPDIR=scratch, **{INSIDE: "1"})
        if _available():
            command = UNSHARE + ["sh", "-c", f'{OWN_FOLDERS}; exec "$@"', "sh"] + command
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _raise_interrupt)
        child = subprocess.Popen(command, env=environment, start_new_session=True, preexec_fn=_die_with_parent)
        try:
            return child.wait()
        except KeyboardInterrupt:
            print("\ninterrupted; cleaning up", file=sys.stderr)
            return 130
        finally:
            _kill(child)


def _kill(child: subprocess.Popen) -> None:
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def _raise_interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
