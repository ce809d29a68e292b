"""The tables of a Markdown text as a renderer shows them."""

from markdown_it import MarkdownIt


def tables(markdown: str) -> list[list[list[str]]]:
    """Every table as rows of cells, each cell as the plain text that it shows."""
    found: list[list[list[str]]] = []
    tokens = MarkdownIt("commonmark").enable("table").parse(markdown)
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in {"td_open", "th_open"}:
            found[-1][-1].append("".join(child.content for child in following.children))
    return found


def html(markdown: str) -> str:
    return MarkdownIt("commonmark").enable("table").render(markdown)
