"""What every figure owes its reader: the paper beside us, texts that can be read, signs as they were written."""

from functools import cache
from itertools import combinations
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from cce.analysis.accuracy import scaling_table, scored
from cce.analysis.biases import bias_table
from cce.analysis.calibration import kept_table, reliability_table
from cce.analysis.comparison import selection_comparisons
from cce.analysis.costs import cost_table
from cce.analysis.figures import (
    calibration,
    distillation,
    frontier,
    judge_accuracy,
    key_points_and_coverage,
    letters,
    loss_curves,
    open_questions,
    rejection,
    scaling,
    selection_differences,
)
from cce.analysis.figures.style import COLOURS, PAPER_SHAPES, SHAPES, model_title, styled, titles
from cce.analysis.members import Votes, contribution_table
from cce.analysis.noise import noise_levels
from cce.analysis.students import distillation_table, rejection_table, student_scores
from tests.test_accuracy import mixed, table_of
from tests.test_distillation_tables import ALPACA, MT_BENCH, judged, models

HOSTILE = r"my $x$ $\frac{ <b>&amp;</b> pairs_of_an_uncommonly_long_name"
A4, MARGIN = 8.27, 0.98  # the width of the page and the margins of ACL's style, in inches
SOURCE = f"judge {HOSTILE}; crowd " + ", ".join(["a-model-of-the-crowd"] * 12)


def accuracy_of(benchmarks, judge, path):
    frames = [mixed(9, 3, benchmark=b, judge=judge, method=m, subset="hep-go") for b in benchmarks for m in METHODS]
    return judge_accuracy(table_of(*frames), path, SOURCE)


METHODS = ["vanilla", "maj@3", "cce@4"]


def selections_of(benchmarks, judge, path):
    right = {"cce-random@2": 2, "cce-praising@2": 1, "cce@2": 4, "cce-criticizing@2": 3}
    frames = [
        mixed(4 * n, 16 - 4 * n, method=m, benchmark=b, judge=judge, subset="hep-go")
        for b in benchmarks
        for m, n in right.items()
    ]
    return selection_differences(selection_comparisons(scored(pd.concat(frames))), path, SOURCE)


def scaling_of(benchmarks, judge, path):
    right = {"vanilla": 2, "cce-random@1": 3, "cce-random@2": 4, "cce@1": 2, "cce@2": 3, "longer": 1}
    frames = [
        mixed(n, 4 - n, method=m, benchmark=b, judge="none" if m == "longer" else judge, subset="hep-go")
        for b in benchmarks
        for m, n in right.items()
    ]
    return scaling(scaling_table([scored(pd.concat(frames).assign(rationale_tokens=50))]), path, SOURCE)


def key_points_of(benchmarks, judge, path):
    rows = [{"benchmark": b, "judge": judge, "method": m} for b in benchmarks for m in ("vanilla", "cce@4")]
    numbers = {"points": 3, "points_low": 2, "points_high": 4, "coverage": 60, "coverage_low": 50, "coverage_high": 70}
    return key_points_and_coverage(pd.DataFrame(rows).assign(**numbers), path, SOURCE)


def students_of(benchmarks, judge, path):
    names = ["untrained", "student: vanilla", "student: cce@2 + vanilla", f"org/{judge}"]
    frames = [judged(name, "AAB-", b, subset="hep-go") for b in benchmarks for name in names]
    return distillation(distillation_table(student_scores(pd.concat(frames))), path, SOURCE, judge)


def losses_of(benchmarks, judge, path):
    rows = [{"student": s, "step": n, "loss": 2 / n} for s in ("vanilla", judge) for n in range(1, 9)]
    return loss_curves(pd.DataFrame(rows), path, SOURCE)


def picks_of(benchmarks, judge, path):
    return rejection(rejection_table(models(base_model=judge), MT_BENCH, ALPACA), path, SOURCE)


def calibration_of(benchmarks, judge, path):
    frames = [
        mixed(9, 3, judge=name, method=m).assign(p_a=[n / 11 for n in range(12)])
        for name in ("none", judge)
        for m in ("vanilla", "cce@4")
    ]
    judgments = pd.concat(frames)
    return calibration(reliability_table(judgments), kept_table(judgments), path, SOURCE)


def frontier_of(benchmarks, judge, path):
    costs = {"vanilla": (5, 1), "maj@3": (4, 3), "cce@4": (9, 40), "longer": (3, 0)}
    frames = [
        mixed(n, 12 - n, benchmark=b, judge="none" if m == "longer" else judge, method=m, subset="hep-go").assign(
            calls=calls, prompt_tokens=90 * calls, completion_tokens=calls, seconds=calls, dollars=calls / 100
        )
        for b in benchmarks
        for m, (n, calls) in costs.items()
    ]
    return frontier(cost_table(scored(pd.concat(frames))), path, SOURCE)


def open_questions_of(benchmarks, judge, path):
    drawn = np.random.default_rng(0)
    known = [
        Votes(
            {"benchmark": b, "judge": judge},
            {"C": judge, "D": "m"},
            drawn.integers(-1, 2, (2, 9)),
            np.ones(9),
            np.arange(9) % 2 == 0,
            np.arange(9),
        )
        for b in benchmarks
    ]
    right = {"vanilla": 6, "count@4": 8, "count@4~flipped50": 5, "count@4~flipped100": 2}
    frames = {
        m: pd.concat([mixed(n, 12 - n, benchmark=b, judge=judge, method=m, subset="hep-go") for b in benchmarks])
        for m, n in right.items()
    }
    turned = bias_table(frames["vanilla"], {"length": frames["count@4"].assign(method="vanilla")})
    noise = noise_levels(scored(pd.concat(frames.values())))
    return open_questions(contribution_table(known), noise, turned, path, SOURCE)


FIGURES = [accuracy_of, selections_of, scaling_of, key_points_of, students_of, losses_of, picks_of, calibration_of]
FIGURES += [frontier_of, open_questions_of]
RUNS = {
    "demo": (["pocket"], "embedded"),
    "paper": (["rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias"], "gpt-4o"),
    "hostile": ([HOSTILE, "evalbias"], HOSTILE),
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Draws a figure for a run, each only once, and in few pixels: layout and data are looked at, not the print."""

    @cache
    def drawn(draw, run):
        folder = tmp_path_factory.mktemp("figure")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("cce.analysis.figures.style.DPI", 100)
            figure = draw(*RUNS[run], folder / "f")
        figure.folder, figure.canvas = folder, FigureCanvasAgg(figure)
        return figure

    return drawn


@pytest.fixture(params=[(draw, run) for draw in FIGURES for run in RUNS], ids=lambda p: f"{p[0].__name__}-{p[1]}")
def figure(request, drawn):
    return drawn(*request.param)


def words(figure) -> list[Text]:
    """Every text that is on the page."""
    beyond = {label for panel in figure.axes for label in beyond_sight(panel)}
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [text for text in texts if text not in beyond and (text.axes is None or text.axes.axison)]


def beyond_sight(panel) -> list[Text]:
    """The names of ticks beyond the ends of their axis, or in a panel that is not there."""
    return [
        tick.label1
        for axis in (panel.xaxis, panel.yaxis)
        for tick in axis.get_major_ticks()
        if not panel.axison or not axis.get_view_interval().min() <= tick.get_loc() <= axis.get_view_interval().max()
    ]


def test_a_figure_fits_the_text_of_a_page_and_is_there_twice(figure):
    assert figure.get_figwidth() <= A4 - 2 * MARGIN
    assert Image.open(figure.folder / "f.png").width == 100 * figure.get_figwidth()
    assert (figure.folder / "f.svg").stat().st_size > 0


def test_a_figure_is_sharp_in_print(tmp_path):
    figure = losses_of(*RUNS["demo"], tmp_path / "f")
    assert Image.open(tmp_path / "f.png").width >= 300 * figure.get_figwidth()


def test_no_text_is_smaller_than_six_points_but_the_small_print(figure):
    small = [text for text in words(figure) if text.get_fontsize() < 6]
    assert [text.get_fontsize() for text in small] == [5]
    assert "commit" in small[0].get_text()


def test_nothing_lies_outside_the_page(figure):
    page = figure.get_tightbbox()
    assert 0 <= page.x0 <= page.x1 <= figure.get_figwidth()
    assert 0 <= page.y0 <= page.y1 <= figure.get_figheight()


def test_no_two_texts_lie_on_each_other(figure):
    # Names of budgets stand beside their points, wherever these are.
    boxes = {text: text.get_window_extent() for text in words(figure) if not text.get_text().isdecimal()}
    for (one, box), (other, of_other) in combinations(boxes.items(), 2):
        common = box.intersection(box, of_other)
        assert common is None or min(common.width, common.height) < 2, (one, other)


def test_every_panel_has_a_number_of_the_papers_or_says_why_not(figure):
    for panel in figure.axes:
        if panel.axison:
            hollow = [line for line in panel.lines if len(line.get_xdata()) and line.get_mfc() in ("none", "white")]
            notes = [text.get_text() for text in panel.texts] + [panel.get_xlabel()]
            assert hollow or any("paper" in note for note in notes) or is_below(panel, figure)


def is_below(panel, figure) -> bool:
    """Whether it is a panel of tokens spent, of which only the first in a row says on its axis what the paper lacks."""
    return any("not in the paper" in first.get_xlabel() for first in figure.axes if same_row(first, panel))


def same_row(one, other) -> bool:
    return one.get_subplotspec().rowspan == other.get_subplotspec().rowspan


def test_the_svg_is_whole_and_refers_to_nothing_outside(figure):
    tree = ElementTree.parse(figure.folder / "f.svg")
    for element in tree.iter():
        assert element.tag.split("}")[-1] not in ("image", "script", "foreignObject", "text")
        links = [value for name, value in element.attrib.items() if name.split("}")[-1] == "href"]
        assert all(link.startswith("#") for link in links)
        assert all("url(" not in value or "url(#" in value for value in element.attrib.values())


@pytest.mark.parametrize("draw", FIGURES)
def test_signs_are_shown_as_they_were_written(drawn, draw):
    shown = " ".join(" ".join(text.get_text().split()) for text in words(drawn(draw, "hostile")))
    assert r"$x$ $\frac{ <b>&amp;</b>" in shown


def test_what_the_paper_did_not_run_has_its_mean_for_a_scale_and_says_so(drawn):
    panel, *others = drawn(accuracy_of, "demo").axes
    values = {line.get_label(): list(line.get_xdata()) for line in panel.lines if len(line.get_xdata())}
    assert sorted(values["the paper: gpt-4o, budget 16, mean of five benchmarks"]) == [73.6, 76.7, 80.3]
    assert "the paper: gpt-4o, budget 16" not in values
    assert [text.get_text() for text in panel.texts] == ["not in the paper"]
    assert {text.get_text() for other in others for text in other.texts} == {"not run here"}


def test_our_own_benchmarks_come_first_the_papers_in_its_order_and_an_average_last():
    assert titles(["evalbias", "average of these", "pocket", "rewardbench"]) == [
        "pocket",
        "RewardBench",
        "HelpSteer2",
        "MT-Bench human",
        "JudgeBench",
        "EvalBias",
        "average of these",
    ]


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o@http://127.0.0.1:8000/v1", "gpt-4o (server on this machine)"),
        ("Qwen/Qwen2.5-7B@http://localhost:1/v1", "qwen2.5-7b (server on this machine)"),
        ("m@https://api.example.com/v1", "m"),
        ("embedded", "embedded model (SmolLM2-135M)"),
    ],
)
def test_a_small_or_local_model_is_named_as_one(model, shown):
    assert model_title(model) == shown


# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
DEUTERANOPE = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
PROTANOPE = [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
XYZ = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]


def lab(colour, eye) -> np.ndarray:
    """CIE L*a*b* of what this eye sees."""
    rgb = np.array(to_rgb(colour))
    linear = np.clip(eye @ np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4), 0, 1)
    x, y, z = np.cbrt(np.array(XYZ) @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", [DEUTERANOPE, PROTANOPE], ids=["deuteranope", "protanope"])
def test_colours_differ_for_the_colour_blind(eye):
    # A difference of 2 can just be seen.
    colours = [lab(colour, np.array(eye)) for colour in COLOURS]
    assert min(np.linalg.norm(one - other) for one, other in combinations(colours, 2)) > 25


def test_series_differ_in_shape_as_well_and_the_user_keeps_their_own_styled():
    assert len(set(SHAPES)) == len(SHAPES) >= len(set(COLOURS)) == len(COLOURS)
    assert len(set(PAPER_SHAPES)) == len(PAPER_SHAPES)
    before = dict(matplotlib.rcParams)
    with styled():
        assert matplotlib.rcParams["font.size"] == 6.5
    assert dict(matplotlib.rcParams) == before


def strange(letters: str, path) -> list[str]:
    """The texts of two figures of a benchmark and a judge with these letters in their names."""
    figures = [accuracy_of([f"bench {letters}"], f"judge {letters}", path), losses_of([], letters, path)]
    figures += [selections_of([letters], letters, path)]
    return [text.get_text() for figure in figures for text in words(figure)]


def test_letters_that_no_font_has_are_written_as_escapes_with_one_warning_a_figure(tmp_path, recwarn, monkeypatch):
    monkeypatch.setattr("cce.analysis.figures.style.DPI", 50)
    installed = [font for font in letters.fontManager.ttflist if font.name == "DejaVu Sans"]
    monkeypatch.setattr(letters.fontManager, "ttflist", installed)
    letters._fonts.cache_clear()
    said = strange("\u4e2d\u6587 \U0001f9ff", tmp_path / "f")
    assert any(r"bench \u4e2d\u6587 \U0001f9ff" in " ".join(text.split()) for text in said)
    assert not [text for text in said if "\u4e2d" in text]
    warned = [str(warning.message) for warning in recwarn]
    assert len(set(warned)) == 1 and "no font here has \u4e2d \u6587 \U0001f9ff" in warned[0]
    letters._fonts.cache_clear()


def test_letters_that_another_font_has_are_drawn_by_it(tmp_path, recwarn, monkeypatch):
    monkeypatch.setattr("cce.analysis.figures.style.DPI", 50)
    stix = letters._letters_of(matplotlib.font_manager.findfont("STIXGeneral"))
    letter = chr(max(stix - letters._letters_of(matplotlib.font_manager.findfont("DejaVu Sans"))))
    assert any(f"bench {letter}" in text for text in strange(letter, tmp_path / "f"))
    assert not recwarn.list


def test_a_name_that_would_steer_or_mislead_is_shown_as_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr("cce.analysis.figures.style.DPI", 50)
    said = " ".join(strange("\x1b[31m\u202ex", tmp_path / "f"))
    assert r"\x1b[31m" + "\ufffdx" in said and "\x1b" not in said and "\u202e" not in said
