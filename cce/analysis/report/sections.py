"""The paper's results in its order: which notebook repeats each, what the paper claims there, and its printed table."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One result: its place in the paper, a heading, the claim in a sentence, and the file of its printed numbers."""

    place: str
    heading: str
    claim: str
    printed: str | None = None


SECTIONS = {
    "00_one_pair": Section(
        "Table 5",
        "One pair through every stage",
        "A judge that has read how A and B lost to other answers writes a deeper rationale and is more often right. "
        "The paper shows it on a case of its own; one pair is an example and no evidence.",
    ),
    "01_judge_accuracy": Section(
        "Table 1",
        "Judge accuracy",
        "With sixteen crowd judgments in view GPT-4o names the better answer in 80.3% of the pairs, as the mean of "
        "five benchmarks; asked plainly it does in 73.6%, and by a majority of sixteen votes in 76.7%.",
        "table1_judge_accuracy.csv",
    ),
    "02_selection": Section(
        "Table 4",
        "Which crowd judgments help",
        "Comparisons that a candidate lost help most and those that it won least; taking their outcomes out helps once "
        "more. At sixteen: praising 76.5%, random 78.6%, criticizing 79.2%, criticizing with removal 80.3%.",
        "table4_selection.csv",
    ),
    "03_scaling": Section(
        "Figure 3",
        "More crowd judgments",
        "From 0 to 16 crowd judgments accuracy rises from 85.2 to 91.2% on RewardBench, from 66.1 to 69.5% on "
        "HelpSteer2 and from 68.5 to 80.1% on EvalBias, and the rationales grow longer.",
        "figure3_scaling.csv",
    ),
    "04_key_points": Section(
        "Figure 4",
        "Key points of the rationales",
        "On all five benchmarks a CCE rationale makes more key points than a vanilla one and covers more of what can "
        "be said. The figure's values are not at hand, so that only the direction can be compared.",
    ),
    "05_distillation": Section(
        "Table 2",
        "Judges taught by judgments",
        "A small judge learns more from CCE's judgments than from as many vanilla ones: with 10,000 of them Qwen2.5-7B "
        "is right in 57.4% against 56.6%, Llama-3.1-8B in 61.2% against 57.7%.",
        "table2_distillation.csv",
    ),
    "06_rejection_sampling": Section(
        "Table 3",
        "Models taught by picked responses",
        "A model trained on responses that were picked with the crowd in view beats one trained on random picks in all "
        "twelve cells, and one trained on vanilla picks in eleven.",
        "table3_rejection_sampling.csv",
    ),
}
