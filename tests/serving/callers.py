"""Callers beside a test, none of which can end unnoticed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def calling(stop: Callable[[], None], *callers: Callable[[], None]) -> Iterator[None]:
    """Each of ``callers`` in a thread of its own until the block ends, also by an error: ``stop`` then has them return.

    Raises:
        Exception: what ended a caller, when nothing else went wrong.
    """
    with ThreadPoolExecutor(len(callers)) as pool:
        running = [pool.submit(caller) for caller in callers]
        try:
            yield
        finally:
            stop()
    for each in running:
        each.result()
