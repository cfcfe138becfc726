import os
import signal


def end_with_parent():
    """Ends the whole process group when its parent is gone: the parent's end of our stdin is then closed.

    This needs a separate process, because a thread would not survive a fork or an exec. Call it before the process starts
    threads.
    """
    if os.fork() != 0:
        os.close(0)
        os.open(os.devnull, os.O_RDONLY)
        return
    os.closerange(1, 1024)
    try:
        while os.read(0, 1024):
            pass
    finally:
        os.killpg(0, signal.SIGKILL)
