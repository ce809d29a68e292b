"""The image of every component, named once; its tag is the package's version.

``python -m pipelines compile --image`` puts a registry's name in its place. The name contains "python" because KFP's local
runner warns about images that do not.
"""

from clinical_ner import __version__

TRAIN_IMAGE = f"clinical-ner/python-train:{__version__}"
