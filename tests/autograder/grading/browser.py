"""What a browser would do with a page: a parser that notes everything that runs or loads."""

from html.parser import HTMLParser

_SAFE_SCHEMES = ("#", "http://", "https://", "mailto:")


class Watch(HTMLParser):
    """Notes elements of a page that run a program or load something from elsewhere."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "link", "meta", "base", "form", "svg"):
            self.found.append(tag)
        for name, value in attrs:
            address = (value or "").strip().lower()
            if name.startswith("on") or name in ("style", "srcdoc", "formaction"):
                self.found.append(f"{tag} {name}={value}")
            if name == "src" and not address.startswith("data:image/png;base64,"):
                self.found.append(f"{tag} src={value}")
            if name == "href" and not address.startswith(_SAFE_SCHEMES):
                self.found.append(f"{tag} href={value}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def watch(page: str) -> Watch:
    """Parse a page, or a part of one."""
    watcher = Watch()
    watcher.feed(page)
    watcher.close()
    return watcher
