"""A page of HTML as a tree of elements."""

import html.parser

_VOID = {"img", "link", "meta", "wbr"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children, self.source = [], ""

    @property
    def classes(self):
        return (self.attributes.get("class") or "").split()

    def all(self, tag=None, class_=None):
        """Elements inside, in order."""
        for child in self.children:
            if tag in (None, child.tag) and (not class_ or class_ in child.classes):
                yield child
            yield from child.all(tag, class_)

    def one(self, tag=None, class_=None):
        (found,) = self.all(tag, class_)
        return found

    @property
    def raw(self):
        """The text as it stands in the file."""
        return self.source + "".join(child.raw for child in self.children)

    @property
    def text(self):
        """The text as it is shown: any space is one."""
        return " ".join(self.raw.split())

    def plain(self):
        """The tree as JSON has it, without text."""
        children = [child.plain() for child in self.children if child.tag != "#text"]
        return {"tag": self.tag, "attributes": self.attributes, "children": children}


class Parser(html.parser.HTMLParser):
    """Builds the tree, and insists that every element is closed in its place."""

    def __init__(self, text):
        super().__init__()
        self.root = self.here = Element("", [], None)
        self.feed(text)
        self.close()
        assert self.here is self.root, f"{self.here.tag} is not closed"

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs), f"{tag}: an attribute twice"
        new = Element(tag, attrs, self.here)
        self.here.children.append(new)
        if tag not in _VOID:
            self.here = new

    def handle_startendtag(self, tag, attrs):
        self.here.children.append(Element(tag, attrs, self.here))

    def handle_endtag(self, tag):
        assert tag == self.here.tag
        self.here = self.here.parent

    def handle_data(self, data):
        # A place for text between elements, so that `text` keeps the order.
        text = Element("#text", [], self.here)
        text.source = data
        self.here.children.append(text)

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")


def parsed(path):
    return Parser(path.read_text(encoding="utf-8")).root
