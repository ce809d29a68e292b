"""What benchmarks say of their figures."""

from scipy.stats import beta


def upper_bound(hits: int, trials: int, confidence: float = 0.95) -> float:
    """Upper end of the two-sided interval of Clopper & Pearson (1934)."""
    return 1.0 if hits == trials else float(beta.ppf(1 - (1 - confidence) / 2, hits + 1, trials - hits))


def verdict(passed: bool) -> str:
    return "PASS" if passed else "FAIL"
