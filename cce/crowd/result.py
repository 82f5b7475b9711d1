"""A result: one judged pair that shows itself, with all that led to its verdict."""

from collections.abc import Collection, Mapping, Sequence

from cce.benchmarks.pair import Pair
from cce.crowd.evaluate import Evaluation, Judges, warn
from cce.crowd.verdict import in_words, verdict_of
from cce.display import Section, Shown, difference
from cce.models.client import LLM
from cce.models.wire import asked_in
from cce.names import short_name
from cce.options import DEFAULTS, Options

# What is said of a comparison that is noisy on purpose.
WRONG = {
    None: "",
    "flipped": " (noise: turned round; the rationale is as it was before)",
    "foreign": " (noise: an answer to another question)",
    "liar": " (noise: a liar's answer)",
}


class Result(Shown, dict):
    """The record of a judged pair (see `record_of`), and the texts that its trace names; it shows itself."""

    def __init__(self, record: Mapping, pair: Pair, models: Collection[LLM]):
        super().__init__(record)
        self.pair, self.stores = pair, [model.store for model in models]

    def section(self) -> Section:
        """The pair, every stage that the method has, the judgment, and what it cost."""
        stages = [self.crowd_answers(), self.crowd_judgments(), self.notes(), self.final_prompts()]
        parts = [self.pair.section(), *(stage for stage in stages if stage.parts)]
        # A missing judgment has no verdict to show, not even an unreadable one.
        parts += [] if self["failed"] else [self.judgment()]
        tokens = f"{self['prompt_tokens']:,} prompt and {self['completion_tokens']:,} completion tokens"
        cost = f"{self['calls']:,} calls, {tokens}, {self['seconds']:,} seconds of model time"
        return Section(self.heading, parts=(*parts, Section("Cost", f"{cost}; {self.latency}")))

    @property
    def latency(self) -> str:
        """What a user would have waited for the verdict, and for what."""
        if self["latency"] is None:
            return "latency unknown"
        stages = ", ".join(f"{stage} {seconds:,}" for stage, seconds in self["trace"]["latency"].items() if seconds)
        return f"latency {self['latency']:,} seconds" + (f" ({stages})" if stages else "")

    @property
    def heading(self) -> str:
        """Method, judge, verdict, and whether that is right."""
        right = {None: "", True: ", right by the label", False: ", wrong by the label"}[self["correct"]]
        right = f": {self['unreadable']}" if self["unreadable"] else right
        verdict = f"missing, since {self['failed']}" if self["failed"] else in_words(self["p_a"]) + right
        return f"{self['method']} by {short_name(self['judge'])}: {verdict}"

    @property
    def whose(self) -> str:
        """On which pair the crowd judgments are, where that is another one."""
        other = self["trace"]["notes_of"]
        return "" if other is None else f", of the pair {other}"

    def crowd_answers(self) -> Section:
        """What each member of the crowd answered, of those that a comparison needed."""
        answers = {speaker(one): one["answer"] for one in self["trace"]["crowd"]}
        # A text where the pair brought it along, else the keys of its turns.
        texts = [one if isinstance(one, str) else "\n\n".join(map(self.text, one)) for one in answers.values()]
        title = f"Crowd answers: {len(answers)}{self.whose}"
        return Section(title, parts=tuple(map(Section, answers, texts)), beside=True)

    def crowd_judgments(self) -> Section:
        """Every comparison of A or of B with a crowd answer: how it ended, whether it was selected, the rationales."""
        parts = []
        for one in self["trace"]["crowd"]:
            title = ending(one) + (", selected" if one["selected"] else "")
            rationales = _rationales(one["p_in"], [self.text(key) for key in one["rationales"]])
            parts.append(Section(title, parts=rationales, beside=True, folded=True))
        title = f"Crowd judgments: {len(parts)}, selected: {self['selected']}{self.whose}"
        return Section(title, parts=tuple(parts))

    def notes(self) -> Section:
        """What became of the selected crowd judgments: the difference that outcome removal made to each."""
        notes, parts = self["trace"]["notes"], []
        title = f"Notes in the prompt: {sum(bool(note['shown']) for note in notes)}"
        if any(note["kept"] != note["written"] for note in notes):
            title += ", with what outcome removal cut and what it wrote instead"
        for note in notes:
            left = "" if note["shown"] else "; nothing is left of it, and it is not shown"
            ended = ending(self["trace"]["crowd"][note["of"]])
            parts.append(Section(ended + left, difference(note["written"], note["kept"])))
        return Section(title, parts=tuple(parts))

    def final_prompts(self) -> Section:
        """The prompt of the judgment that counts, in each order."""
        prompts = map(self.prompt, self["trace"]["final"])
        asked = zip(("In the order given", "In the swapped order"), prompts, strict=False)
        parts = (Section(f"{order}: {len(text):,} characters", text, folded=True) for order, text in asked)
        return Section("Final prompt", parts=tuple(parts))

    def judgment(self) -> Section:
        """The verdict, and below it the rationale in each order, with what that order found by itself."""
        texts = [text for text in (self["text"], self["text_swapped"]) if text is not None]
        parts = _rationales([self["p_given"], self["p_swapped"]], texts)
        thought = (self.thinking(key) for key in self["trace"]["final"])
        parts += tuple(
            Section("Thinking, which is no part of the answer", text, folded=True) for text in thought if text
        )
        return Section(f"Verdict: {in_words(self['p_a'])}", parts=parts, beside=True)

    def text(self, key: str) -> str:
        """What a model answered, by the key of its completion."""
        return self._response(key)["text"]

    def thinking(self, key: str) -> str:
        """What it thought before it answered; empty where it showed nothing of that."""
        return self._response(key).get("thinking", "")

    def _response(self, key: str) -> dict:
        return next(found for store in self.stores if (found := store.response(key)))

    def prompt(self, key: str) -> str:
        """What a model was asked, by the key of its completion."""
        return asked_in(next(found for store in self.stores if (found := store.request(key))))


def judge(
    pair: Pair,
    method: str = "vanilla",
    judge: str = "embedded",
    crowd: Sequence[str] = (),
    options: Options = DEFAULTS,
    **changes,
) -> Result:
    """Judge one pair, and keep how the verdict came about. Takes what `evaluate` takes, and raises what it raises."""
    evaluation = Evaluation([pair], [method], [judge], crowd, options.but(**changes))
    (result,) = _results(evaluation)
    warn(evaluation.cautions + evaluation.found())
    return result


def judge_by_each(
    pair: Pair, methods: Sequence[str], judges: Judges, crowd: Sequence[str] = (), options: Options = DEFAULTS
) -> list[Result]:
    """Judge one pair by every judge and method."""
    evaluation = Evaluation([pair], methods, judges, crowd, options)
    results = _results(evaluation)
    warn(evaluation.cautions + evaluation.found())
    return results


def side_by_side(results: Sequence[Result]) -> Section:
    """The verdicts of several results and their rationales, in columns."""
    columns = (Section(result.heading, parts=result.judgment().parts) for result in results)
    return Section(f"Pair {results[0]['id']}", parts=tuple(columns), beside=True)


def ending(judgment: Mapping) -> str:
    """How a comparison ended, such as "A against C: lost", from an entry of a trace's `crowd`; and what is wrong with
    it on purpose.
    """
    found = judgment["outcome"] or ("a tie" if verdict_of(judgment["p_a"]) else "unreadable")
    noise = WRONG[judgment.get("noise")]  # none in records of earlier versions
    return f"{judgment['candidate']} against {judgment['member']}: {found}{noise}"


def speaker(judgment: Mapping) -> str:
    """Whose answer was compared, such as "C: gpt-4o-mini", from an entry of a trace's `crowd`."""
    model = judgment["model"]
    return f"{judgment['member']}: {short_name(model) if model else 'brought along by the pair'}"


def _results(evaluation: Evaluation) -> list[Result]:
    (pair,) = evaluation.pairs
    return evaluation.run(lambda record: Result(record, pair, evaluation.models.values()))


def _rationales(p_in: Sequence[float | None], texts: Sequence[str]) -> tuple[Section, ...]:
    orders = "in the order given", "in the swapped order, where A is called B"
    titles = [f"Rationale {order}: {in_words(p_a)}" for order, p_a in zip(orders, p_in, strict=False)]
    titled = zip(titles if len(texts) > 1 else ["Rationale"], texts, strict=False)
    return tuple(Section(title, text) for title, text in titled if text)
