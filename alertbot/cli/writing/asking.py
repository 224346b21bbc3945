"""Questions in a terminal that can draw: what can be typed is offered, and what is typed is judged at once."""

from collections.abc import Iterator

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app
from prompt_toolkit.buffer import CompletionState
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.validation import ValidationError, Validator

from alertbot.cli.writing.questions import Judged, Question
from alertbot.core.words import _

MENU_LINES = 5


def ask(question: Question) -> str:
    """See `questions.Ask`."""
    live, choices = _Live(question), _Choices(question)
    session: PromptSession[str] = PromptSession(
        completer=choices,
        complete_while_typing=True,
        reserve_space_for_menu=MENU_LINES if question.choices else 0,
        validator=live,
        validate_while_typing=False,
        bottom_toolbar=live.line,
        multiline=question.lines,
        key_bindings=_keys(choices, lines=question.lines),
    )
    message = _("{name}: {value}").format(name=question.label, value="")
    answer = session.prompt(message, default=question.offered).strip()
    if warning := question.judge(answer).warning:
        print(f"  ! {warning}")
    return answer


def _keys(choices: Completer, *, lines: bool) -> KeyBindings:
    """Tab takes the first choice at once: the library's own waits, and a quick Enter behind it would take what was
    typed instead. In a text of several lines Enter ends it all the same; Alt-Enter begins a new line."""
    keys = KeyBindings()

    @keys.add("tab")
    def _choose(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is None:
            found = list(choices.get_completions(buffer.document, CompleteEvent()))
            buffer.complete_state = CompletionState(buffer.document, found) if found else None
        buffer.complete_next()

    if lines:

        @keys.add("enter")
        def _end(event: KeyPressEvent) -> None:
            event.current_buffer.validate_and_handle()

        @keys.add("escape", "enter")
        def _new_line(event: KeyPressEvent) -> None:
            event.current_buffer.insert_text("\n")

    return keys


class _Live(Validator):
    """Judges the text: at each key for the line below, and when it is to be taken."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._last: tuple[str, Judged] | None = None

    def line(self) -> str:
        """What is said of the text as it stands."""
        said = self._judged(get_app().current_buffer.text)
        return said.fault or " · ".join(filter(None, (said.warning, said.note))) or " "

    def validate(self, document: Document) -> None:
        """Raises `ValidationError` for a text that cannot be taken."""
        if fault := self._judged(document.text).fault:
            raise ValidationError(len(document.text), fault)

    def _judged(self, text: str) -> Judged:
        if self._last is None or self._last[0] != text:
            self._last = (text, self._question.judge(text.strip()))
        return self._last[1]


class _Choices(Completer):
    """Offers choices that begin with what is typed, then those that contain it; of several, for the last."""

    def __init__(self, question: Question) -> None:
        self._question = question

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002 - asked so by the library
    ) -> Iterator[Completion]:
        """The choices for the text before the cursor."""
        typed = document.text_before_cursor
        if self._question.several:
            typed = typed.rpartition(",")[2].lstrip()
        wanted = _folded(typed)
        if not wanted and self._question.several:
            return
        for text, meaning in sorted(self._question.choices, key=lambda one: not _begins(one, wanted)):
            if wanted in _folded(text) or wanted in _folded(meaning):
                yield Completion(text, start_position=-len(typed), display_meta=meaning)


def _begins(choice: tuple[str, str], wanted: str) -> bool:
    return any(_folded(one).startswith(wanted) for one in choice)


def _folded(text: str) -> str:
    return text.casefold().replace("’", "'")
