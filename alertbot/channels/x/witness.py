"""What anybody sees of a post on X: the answer for pages that embed it."""

from html import unescape
from urllib.parse import urlencode

from alertbot.channels import witnessing

PUBLIC = "https://publish.x.com"
OURS = ("pic.twitter.com/", "pic.x.com/")
FINE, HIDDEN, GONE = 200, 403, 404  # 403: protected, so that the public cannot read it


class XWitness(witnessing.PublicWitness):
    """Looks at posts by their numbers; X shows strangers no list of an account's posts."""

    trial = witnessing.Sought("", "20")  # the oldest post that there is

    def __init__(self, account: str | None, root: str = PUBLIC) -> None:
        self._account = (account or "i").removeprefix("@")
        self._root = root.rstrip("/")

    def address(self, sought: witnessing.Sought) -> str | None:
        if sought.remote_id is None:
            return None
        asked = {"url": self._post(sought.remote_id), "omit_script": 1, "dnt": 1, "hide_thread": 1}
        return f"{self._root}/oembed?{urlencode(asked)}"

    def _post(self, number: str) -> str:
        return f"https://x.com/{self._account}/status/{number}"

    def shown(
        self, sought: witnessing.Sought, answer: witnessing.PublicAnswer
    ) -> tuple[witnessing.Shown, ...]:
        if answer.status in (HIDDEN, GONE):
            return ()
        html = str(answer.fields.get("html", "")) if answer.status == FINE else ""
        if "twitter-tweet" not in html:
            raise witnessing.no_answer("X", answer)
        number = sought.remote_id or ""
        return (witnessing.Shown(number, _words(html), self._post(number)),)

    def words(self, text: str) -> list[str]:
        """X replaces every address by one of its own."""
        return witnessing.without_addresses(text)


def _words(html: str) -> str:
    """The text of the post: the paragraph in the quotation."""
    text = unescape(witnessing.text_of(html.partition("<p")[2].partition(">")[2].partition("</p>")[0]))
    return " ".join(word for word in text.split(" ") if not word.startswith(OURS))
