"""How many processors this process may use."""

import os
from contextlib import suppress
from pathlib import Path

_QUOTAS = ("/sys/fs/cgroup{group}/cpu.max", "/sys/fs/cgroup/cpu{group}/cpu.cfs_quota_us")
"""The files of the quota of a control group on Linux, in version 2 and version 1."""


def processors() -> int:
    """The number of processors that this process may use, at least 1: the default number of workers everywhere.

    It is the number in its affinity mask where the system has one, and no more than the quota of its control group on
    Linux: containers and batch jobs often have a few of the processors of a large machine.

    Example:
        >>> 1 <= processors() <= (os.cpu_count() or 1)
        True
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([allowed, *(int(quota) for quota in _quotas())]))


def _quotas() -> list[float]:
    """The processors that each control group above this process grants, where it grants fewer than all."""
    groups, found = {""}, []
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, group = line.split(":", 2)
            if controllers in ("", "cpu", "cpu,cpuacct"):
                groups |= {str(parent).rstrip("/") for parent in (Path(group), *Path(group).parents)}
    for group in groups:
        for pattern in _QUOTAS:
            path = Path(pattern.format(group=group))
            with suppress(OSError, ValueError):  # no such group, or "max": no quota
                quota, *period = path.read_text(encoding="ascii").split()
                length = period[0] if period else path.with_name("cpu.cfs_period_us").read_text(encoding="ascii")
                if int(quota) > 0:
                    found.append(int(quota) / int(length))
    return found
