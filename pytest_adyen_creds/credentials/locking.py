"""File locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import sys
from typing import BinaryIO, Final

_FAR: Final = 1 << 30

if sys.platform == "win32":
    import msvcrt

    def lock(file: BinaryIO) -> bool:
        """Lock an open file if nobody else has; return whether it is now this process's."""
        where = file.tell()
        try:
            # a byte beyond the content, so that others can still read it
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(where)
        return True

else:
    import fcntl

    def lock(file: BinaryIO) -> bool:
        """Lock an open file if nobody else has; return whether it is now this process's."""
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
