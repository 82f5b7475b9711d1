"""A result: one judged pair with all that led to its verdict."""

from collections.abc import Sequence

from cce.benchmarks.pair import Pair
from cce.crowd.case import Case
from cce.crowd.evaluate import COLUMNS, judged, row_of
from cce.crowd.stages import crowd_answers, crowd_judgments, final_prompts, notes
from cce.crowd.verdict import Judgment, in_words
from cce.display import Section, Shown
from cce.names import short_name


class Result(Shown, dict):
    """The row that `evaluate` makes of a judged pair, as a dict, and how it came about.

    `case` holds the pair, its crowd judgments, which of them were selected and what became of these; `judgment` the
    judge's rationales with the prompts that they answer.
    """

    def __init__(self, case: Case, method: str, judgment: Judgment, failed: str | None):
        super().__init__(zip(COLUMNS, row_of(case, method, judgment, failed), strict=True))
        self.case, self.judgment = case, judgment

    def section(self) -> Section:
        """The pair, every stage that the method has, the judgment, and what it cost."""
        stages = [crowd_answers(self.case), crowd_judgments(self.case), notes(self.case), final_prompts(self.judgment)]
        # A missing judgment has no verdict to show, not even an unreadable one.
        stages = [stage for stage in stages if stage.parts] + [self.judgment.section()] * (not self["failed"])
        return Section(self.heading, parts=(self.case.pair.section(), *stages, self._cost()))

    @property
    def heading(self) -> str:
        """Method, judge, verdict, and whether that is right."""
        right = {None: "", True: ", right by the label", False: ", wrong by the label"}[self["correct"]]
        verdict = f"missing, since {self['failed']}" if self["failed"] else in_words(self.judgment.p_a) + right
        return f"{self['method']} by {short_name(self['judge'])}: {verdict}"

    def _cost(self) -> Section:
        tokens = f"{self['prompt_tokens']:,} prompt and {self['completion_tokens']:,} completion tokens"
        return Section("Cost", f"{self['calls']:,} calls, {tokens}, {self['seconds']:,} seconds of model time")


def beside(results: Sequence[Result]) -> Section:
    """The verdicts of several results and their rationales, in columns."""
    columns = (Section(result.heading, parts=result.judgment.section().parts) for result in results)
    return Section(f"Pair {results[0]['id']}", parts=tuple(columns), beside=True)


def judge(pair: Pair, method: str = "vanilla", judge: str = "embedded", crowd: Sequence[str] = (), **options) -> Result:
    """Judge one pair, and keep how the verdict came about. Takes the options of `evaluate`."""
    return judged(Result, [pair], [method], [judge], crowd, **options)[0]
