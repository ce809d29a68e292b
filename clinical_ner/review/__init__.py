"""Review samples: which answered notes annotators are to see, de-identified and kept under a prefix of their own.

``sampling`` draws (pure), ``sampler`` is what a server calls, ``sample`` is what is kept, ``store`` writes, reads and deletes
it.
"""

from clinical_ner.review.sample import ReviewSample
from clinical_ner.review.sampling import SamplingPlan, Stratum

__all__ = ["ReviewSample", "SamplingPlan", "Stratum"]
