"""What the two images hold, and what they do not."""

import inspect

import yaml

import clinical_ner
from components._image import TRAIN_IMAGE
from pipelines.monitoring import monitoring
from tests.images.conftest import Images

SITE_PACKAGES = "/opt/venv/lib/python3.11/site-packages"
LIST_DISTRIBUTIONS = "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
AS_ROOT = {"user": "0:0", "cap_drop": []}
OF_TRAINING = {
    "kfp",
    "kfp-kubernetes",
    "optuna",
    "plotly",
    "scipy",
    "sklearn-crfsuite",
    "scikit-learn",
    "sqlalchemy",
    "evidently",
}


def test_image_is_labelled(image: Images) -> None:
    """Version and revision say what was built."""
    labels = image.config["Labels"]
    assert labels["org.opencontainers.image.version"] == clinical_ner.__version__
    assert len(labels["org.opencontainers.image.revision"]) == 40


def test_image_user_is_a_number(image: Images) -> None:
    """Kubernetes can see that it is not root; the group is 0, as platforms with user ids of their own expect."""
    assert image.config["User"] == "1000:0"
    assert image.run("id", "-u", user="") == "1000\n"


def test_image_holds_neither_compiler_nor_caches(image: Images) -> None:
    """No compiler, no make, no wheel that pip fetched, no configuration of pip."""
    programs = ("as", "c++", "cc", "clang", "g++", "gcc", "ld", "make")  # often links to files of longer names
    found = f"import shutil; print([each for each in {programs} if shutil.which(each)])"
    assert image.run("python", "-c", found, **AS_ROOT) == "[]\n"
    for name in ("cc1", "cc1plus", "pip.conf"):
        assert image.run("find", "/usr", "/opt", "/etc", "-name", name, **AS_ROOT) == ""
    caches = "import pathlib; print([str(p) for p in map(pathlib.Path, ('/root/.cache', '/build', '/package')) if p.exists()])"
    assert image.run("python", "-c", caches, **AS_ROOT) == "[]\n"


def test_image_brings_byte_code(image: Images) -> None:
    """A read-only file system keeps none, and compiling at each start would cost seconds."""
    missing = (
        "import pathlib, importlib.util as u; "
        f"files = pathlib.Path('{SITE_PACKAGES}/clinical_ner').rglob('*.py'); "
        "print([str(p) for p in files if not pathlib.Path(u.cache_from_source(p)).exists()])"
    )
    assert image.run("python", "-c", missing) == "[]\n"


def test_package_in_image_is_this_version(image: Images) -> None:
    """The package is installed, with its metadata, away from any source folder."""
    out = image.run("python", "-c", "import clinical_ner as c; print(c.__version__, c.__file__)")
    assert out == f"{clinical_ner.__version__} {SITE_PACKAGES}/clinical_ner/__init__.py\n"


def test_serving_image_holds_nothing_of_training(serve_image: Images) -> None:
    """Neither the libraries of training nor the code of pipelines and components."""
    installed = set(serve_image.run("python", "-c", LIST_DISTRIBUTIONS).split())
    assert {"kserve", "clinical-ner"} <= installed
    assert not installed & OF_TRAINING
    assert serve_image.run("find", "/", "-xdev", "-name", "pipelines", "-path", "/app/*", **AS_ROOT) == ""


def test_training_image_holds_the_pipeline_that_monitoring_submits(train_image: Images) -> None:
    """The monitor's default names, from the working folder, a training whose every step is this very image."""
    path = inspect.signature(monitoring).parameters["training_package"].default
    spec = next(yaml.safe_load_all(train_image.run("cat", path)))
    executors = spec["deploymentSpec"]["executors"].values()
    assert {executor["container"]["image"] for executor in executors} == {train_image.name}


def test_local_runner_takes_the_name_of_the_image() -> None:
    """KFP's subprocess runner warns of images without "python" in their name."""
    assert "python" in TRAIN_IMAGE
    assert TRAIN_IMAGE.endswith(f":{clinical_ner.__version__}")


def test_commands_run_in_the_training_image(train_image: Images) -> None:
    """Both command lines answer, though nothing but /tmp can be written."""
    assert "predict" in train_image.run("clinical-ner", "--help")
    assert "monitor" in train_image.run("python", "-m", "pipelines", "--help")


def test_libraries_of_the_serving_image_load(serve_image: Images) -> None:
    """What was taken out of compiled libraries, or from beside them, none of those that are left needs."""
    load = f"import ctypes, pathlib\nfor path in pathlib.Path('{SITE_PACKAGES}').rglob('*.so*'): ctypes.CDLL(str(path))"
    assert serve_image.run("python", "-c", load) == ""
