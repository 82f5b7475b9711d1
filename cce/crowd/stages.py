"""The stages of a judged case, each as a section that shows itself: crowd answers, crowd judgments, notes."""

from cce.crowd.answers import Member, members
from cce.crowd.case import Case
from cce.crowd.judgments import CrowdJudgment
from cce.crowd.methods.cce import Note
from cce.crowd.verdict import Judgment
from cce.display import Section, difference
from cce.names import short_name


def crowd_answers(case: Case) -> Section:
    """What each member of the crowd answered, of those that a comparison needed."""
    answers = {speaker(judgment.member): "\n\n".join(judgment.answer) for judgment in in_order(case)}
    parts = (Section(title, answer) for title, answer in answers.items())
    return Section(f"Crowd answers: {len(answers)}", parts=tuple(parts), beside=True)


def crowd_judgments(case: Case) -> Section:
    """Every comparison of A or of B with a crowd answer: how it ended, whether it was selected, the rationales."""
    parts = []
    for judgment in in_order(case):
        selected = ", selected" if judgment in case.selected else ""
        rationales = judgment.judgment.section().parts
        parts += [Section(ending(judgment) + selected, parts=rationales, beside=True, folded=True)]
    return Section(f"Crowd judgments: {len(parts)}, selected: {len(case.selected)}", parts=tuple(parts))


def notes(case: Case) -> Section:
    """What became of the selected crowd judgments: the difference that outcome removal made to each."""
    title = f"Notes in the prompt: {sum(bool(note.shown) for note in case.notes)}"
    if any(note.kept != note.written for note in case.notes):
        title += ", with what outcome removal cut and what it wrote instead"
    return Section(title, parts=tuple(map(_note, case.notes)))


def final_prompts(judgment: Judgment) -> Section:
    """The prompt of the judgment that counts, in each order."""
    orders = ["In the order given", "In the swapped order"]
    asked = ((order, reading.prompt) for order, reading in zip(orders, judgment.readings, strict=False))
    parts = (Section(f"{order}: {len(text):,} characters", text, folded=True) for order, text in asked if text)
    return Section("Final prompt", parts=tuple(parts))


def in_order(case: Case) -> list[CrowdJudgment]:
    """The crowd judgments by member, A's before B's; the case has them as they ended."""
    letters = [member.letter for member in members(case)]
    return sorted(case.crowd_judgments, key=lambda made: (letters.index(made.member.letter), made.candidate))


def ending(judgment: CrowdJudgment) -> str:
    """How a comparison ended, such as "A against C: lost"."""
    found = judgment.outcome or ("a tie" if judgment.judgment.verdict else "unreadable")
    return f"{judgment.candidate} against {judgment.member.letter}: {found}"


def speaker(member: Member) -> str:
    """Whose answer it is, such as "C: gpt-4o-mini"."""
    return f"{member.letter}: {short_name(member.model.model) if member.model else 'brought along by the pair'}"


def _note(note: Note) -> Section:
    left = "" if note.shown else "; nothing is left of it, and it is not shown"
    return Section(ending(note.of) + left, difference(note.written, note.kept))
