"""A page as a reader of HTML sees it: tags, attributes, text, tables."""

from html.parser import HTMLParser

_EMPTY = {"meta", "br", "input", "image", "rect", "path", "polygon", "circle", "line", "img"}


class Page(HTMLParser):
    """Collects what the tests ask for.

    Attributes
    ----------
    tags : list of str
    attributes : list of (tag, name, value)
    tables : dict of str to list of list of str
        Rows of texts by the name of the table's box.
    words : list of str
        All text but that of styles and scripts.
    unclosed : list of str
        Tags that were left open, or closed out of order.
    """

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.attributes, self.words, self.unclosed = [], [], [], []
        self.tables: dict[str, list[list[str]]] = {}
        self._open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(text)
        self.close()
        self.unclosed += self._open

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]
        if tag not in _EMPTY:
            self._open.append(tag)
        named = dict(attributes)
        if named.get("class") == "wide":
            self._rows = self.tables[named["aria-label"]] = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("th", "td"):
            self._rows[-1].append("")
        elif tag == "br":
            self.handle_data(" ")

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attributes]

    def handle_endtag(self, tag):
        if self._open and self._open[-1] == tag:
            self._open.pop()
        else:
            self.unclosed.append(tag)

    def handle_data(self, data):
        if not {"style", "script"} & set(self._open):
            self.words.append(data)
            if {"th", "td"} & set(self._open):
                self._rows[-1][-1] += data
