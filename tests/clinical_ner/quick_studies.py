"""Studies whose trials take no time, or as long as a test wants."""

import math
import time

from clinical_ner.tuning import (
    open_study,
    run_trials,
)

ITERATIONS = 3


class SlowData:
    """A response surface with its best at c1 = c2 = 0.03, 0.15 s a trial: tests of workers need no model."""

    def f1(self, parameters):
        time.sleep(0.15)
        return surface(parameters)


class QuickData:
    """The same at once; counts its trials."""

    def __init__(self):
        self.seen = []

    def f1(self, parameters):
        self.seen.append(parameters)
        return surface(parameters)


def search(storage="", *, seed=0, n_trials=8, data=None, **options):
    study = open_study("study", storage, seed=seed)
    run_trials(study, data or QuickData(), n_trials=n_trials, max_iterations=ITERATIONS, **options)
    return study


def surface(parameters):
    distance = abs(math.log10(parameters.c1 / 0.03)) + abs(math.log10(parameters.c2 / 0.03))
    return max(0.0, 0.9 - 0.1 * distance - 0.01 * parameters.min_freq)
