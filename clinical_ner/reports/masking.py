"""Note text made unreadable that keeps its shape, so that errors of length and position can still be seen."""

import unicodedata


def mask_text(text: str) -> str:
    """Every letter becomes ``x`` or ``X``, every digit ``0``; white space, punctuation and ASCII symbols stay.

    One code point for one: offsets into ``text`` hold in the result. What is none of these (marks, emoji, private use) becomes
    ``x`` too, since scripts write vowels with marks.
    """
    return "".join(map(_mask, text))


def _mask(character: str) -> str:
    category = unicodedata.category(character)
    if category in {"Lu", "Lt"}:
        return "X"
    if category.startswith("N"):
        return "0"
    stays = character.isspace() or category.startswith("P") or (character.isascii() and not character.isalpha())
    return character if stays else "x"
