"""A pipeline with the parameters that a resubmission passes and one step, which can be told to fail or to take long."""

from kfp import compiler, dsl


@dsl.component(base_image="python:3", install_kfp_package=False)
def work(corpus_uri: str, max_iterations: int) -> str:
    """Fails at 13 iterations; else takes that many hundredths of a second."""
    import time

    from clinical_ner.errors import DataError

    if max_iterations == 13:
        raise DataError("2 of 3 records are bad")
    time.sleep(max_iterations / 100)
    return corpus_uri


def compile_small_pipeline(path):
    """Write the compiled pipeline to ``path``."""

    @dsl.pipeline(name="small-training")
    def small(
        corpus_uri: str = "",
        corpus_format: str = "",
        label_map: str = "",
        test_corpus_uri: str = "",
        reviewed_corpus_uri: str = "",
        gazetteer_uris: str = "",
        params_uri: str = "",
        seed: int = 0,
        dev_fraction: float = 0.1,
        test_fraction: float = 0.1,
        feature_groups: str = "all",
        max_iterations: int = 1,
        n_trials: int = 1,
        first_trial: str = "",
        excluded_trials: str = "",
        search_space: str = "narrow",
        tuning_seed: int = 0,
        approval_required: bool = False,
        max_f1_drop: float = 0.02,
        rollout_target: str = "",
        model_name: str = "",
        registry_uri: str = "",
    ) -> str:
        return work(corpus_uri=corpus_uri, max_iterations=max_iterations).output

    compiler.Compiler().compile(small, str(path))
    return path
