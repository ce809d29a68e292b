import inspect

import pytest

from clinical_ner import errors

CLASSES = {name: cls for name, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__}


def drawn_tree():
    """Pairs of (class, parent) as the module's docstring draws them."""
    parents, pairs = [], {}
    for line in errors.__doc__.splitlines():
        words = line.replace("├── ", "    ").replace("└── ", "    ").replace("│", " ")
        name = words.split()[0] if words.split() else ""
        if name in CLASSES:
            depth = (len(words) - len(words.lstrip()) - 4) // 4
            parents[depth:] = [name]
            pairs[name] = parents[depth - 1] if depth else "Exception"
    return pairs


def test_docstring_draws_the_tree_of_exceptions():
    """Every exception is drawn under its parent, and none is drawn that does not exist."""
    assert drawn_tree() == {name: cls.__base__.__name__ for name, cls in CLASSES.items()}
    drawn = [line for line in errors.__doc__.splitlines() if "──" in line]
    assert len(drawn) + 1 == len(CLASSES)


@pytest.mark.parametrize("name", CLASSES)
def test_every_exception_is_caught_by_the_base_and_says_what_it_is(name):
    """Callers catch one class; each has a sentence of its own."""
    assert issubclass(CLASSES[name], errors.ClinicalNerError)
    assert CLASSES[name].__dict__["__doc__"].strip().endswith(".")
