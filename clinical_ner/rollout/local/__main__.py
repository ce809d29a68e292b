"""``python -m clinical_ner.rollout.local FOLDER``: a local service goes on from what is written down in its folder."""

import sys
from functools import partial
from pathlib import Path

from clinical_ner.errors import ClinicalNerError
from clinical_ner.rollout.local.launching import run_service

if __name__ == "__main__":
    try:
        run_service(Path(sys.argv[1]), partial(print, flush=True))
    except ClinicalNerError as error:
        sys.exit(str(error))
