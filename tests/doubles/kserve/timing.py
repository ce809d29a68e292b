"""How fast the double's world turns: a tenth of the real one or less, in the same order of what is faster than what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timing:
    """All in seconds."""

    tick: float = 0.05
    """Between two looks at the InferenceService."""
    resync: float = 0.5
    """Between two looks at everything else; what was edited by hand is restored then (real: within 3)."""
    pod_start: float = 0.2
    """From a pod's creation to its first ready answer (real: 4 and more)."""
    pod_end: float = 0.3
    """How long a pod with a preStop hook answers after its deletion (real: 5)."""
    endpoints: float = 0.06
    """Until the gateway knows of a pod that came or went."""
    propagation: float = 0.2
    """Until the gateway carries the weights of a route (real: up to 2)."""
    status: float = 0.12
    """How old the InferenceService's status is (real: 0.06 to 0.2)."""
    back_off: float = 0.2
    """Before a container's first restart; each further one takes twice as long (real: 10)."""
    back_off_limit: float = 1.0
    """The longest such wait (real: 300)."""
    process_life: float = 0.15
    """From the start of a crashing process to its end."""
    scale_to_zero: float = 3.0
    """Until a Knative revision without traffic has no pod (real: 60)."""
    deadline_factor: float = 1 / 60
    """What is left of a Knative progress deadline."""
