"""What the kernel knows of a process: /proc."""

import os
from pathlib import Path

MIB = 1 << 20
TICKS = os.sysconf("SC_CLK_TCK")


def resident_mib(process: int) -> float:
    """The memory that it has in RAM. OSError if it has ended."""
    pages = int((Path("/proc") / str(process) / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def open_files(process: int) -> int:
    """Its file descriptors. OSError if it has ended."""
    return len(os.listdir(f"/proc/{process}/fd"))


def cpu_seconds(process: int) -> float:
    """The computing time that it and the processes it has waited for have used; 0 if it has ended."""
    try:
        fields = (Path("/proc") / str(process) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / TICKS
