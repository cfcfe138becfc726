import os
import signal


def end_with_parent():
    """Ends the whole process group when the process that started it is gone: then its end of our stdin is closed.

    It takes a process of its own, as a thread would be lost in a fork or an exec. It must be called before the process
    has threads.
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
