"""What a browser would make of a report: its elements, the text that shows, and the cells of its tables."""

from html.parser import HTMLParser

VOID = {"meta", "br", "input", "link", "img", "hr"}
LOADING = ("src", "href", "srcset", "data", "poster", "action", "xlink:href")


class Page(HTMLParser):
    """A parsed page; ``shown`` is the text outside of scripts and styles, ``rows`` are table rows by the section's id."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.shown = ""
        self.rows: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._section = ""
        self.feed(html)
        self.close()
        assert not self._open, f"unclosed: {self._open}"

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "section":
            self._section = attributes.get("id", "")
        if tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        if tag in {"td", "th"}:
            self.rows[self._section][-1].append("")
        if tag == "br":
            self.shown += "\n"

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data):
        if {"script", "style"} & set(self._open[-1:]):
            return
        self.shown += data
        if {"td", "th"} & set(self._open):
            self.rows[self._section][-1][-1] += data.strip()

    def attributes(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def loads(self) -> list[str]:
        """Everything that the page would fetch or lead to."""
        return [attributes[name] for _, attributes in self.elements for name in LOADING if name in attributes]

    @property
    def forbids_network(self) -> bool:
        policies = [meta["content"] for meta in self.attributes("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
        return len(policies) == 1 and "default-src 'none'" in policies[0] and "http" not in policies[0]
