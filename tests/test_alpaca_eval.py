"""AlpacaEval 2: references and instructions, a judge's preferences, the win rates, and the leaderboard's."""

import json
import os
from math import isnan
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from cce import load_pairs
from cce.analysis.students import alpaca_table
from cce.benchmarks import load_instructions, load_questions, load_references
from cce.benchmarks.alpaca_eval import chosen_strength, length_controlled_win_rate, load_gamed, preferred
from cce.benchmarks.pair import Question
from cce.benchmarks.sources import SOURCES
from cce.chat.grading import answer_questions, preferences
from cce.errors import BadInput, DataMissing
from tests.fake_hub import fake_hub
from tests.test_benchmarks import write

published = pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in CCE_DATA")


def win_rate(annotations: pd.DataFrame) -> float:
    """In percent."""
    return 100 * preferred(annotations).mean()


class TestLoading:
    """References, instructions, and the gamed baselines."""

    @published
    def test_all_805_instructions_load_with_the_reference_outputs(self):
        references = load_references()
        assert [question.id for question in references] == [str(place) for place in range(805)]
        assert {question.category for question in references} == {
            "helpful_base",
            "koala",
            "oasst",
            "selfinstruct",
            "vicuna",
        }
        lengths = published_frame("annotations_compact").drop_duplicates("index").set_index("index").len_output_1
        assert all(len(question.references[0]) == lengths[int(question.id)] for question in references)

    @published
    def test_all_1029_instructions_of_lima_load_with_their_first_turn(self):
        instructions = load_instructions("lima")
        assert len({one.instruction for one in instructions}) == 1029
        assert instructions[-1].id == "1028"

    def test_pockets_reference_is_the_better_answer(self):
        pairs, references = load_pairs("pocket"), load_references("pocket")
        for pair, question in zip(pairs, references, strict=True):
            assert question.turns == (pair.instruction,)
            assert question.references == (pair.answer_a if pair.label == "A" else pair.answer_b,)
            assert question.category == f"pocket: {pair.subset}"

    def test_a_smaller_limit_draws_from_a_larger_ones_and_keeps_the_index(self):
        drawn = [{question.id for question in load_references("pocket", limit=limit)} for limit in (4, 20)]
        assert drawn[0] < drawn[1]
        assert {question for question in load_references("pocket", limit=4)} <= set(load_references("pocket"))

    def test_instructions_of_the_kits_own_pairs_are_distinct(self):
        instructions = load_instructions("pocket_train")
        assert len({one.instruction for one in instructions}) == len(load_pairs("pocket_train"))

    @pytest.mark.parametrize("kind", ["jsonl", "parquet"])
    def test_tulus_first_user_turn_is_the_instruction_whatever_comes_first(self, tmp_path, kind):
        talks = [
            [("user", "One?"), ("assistant", "Yes."), ("user", "Two?"), ("assistant", "No.")],
            [("system", "Be brief."), ("user", "Three?"), ("assistant", "Yes.")],
            [("user", ""), ("assistant", "What?")],
            [("system", "Alone.")],
            [("user", "Four?"), ("assistant", "No.")],
        ]
        rows = [
            {"id": "x", "messages": [{"role": role, "content": said} for role, said in talk], "source": "s"}
            for talk in talks
        ]
        write(tmp_path, f"tulu-3-sft-mixture/data/train-00000-of-00001.{kind}", rows)
        loaded = load_instructions("tulu3_sft", tmp_path)
        assert [(one.id, one.instruction) for one in loaded] == [("0", "One?"), ("1", "Three?"), ("4", "Four?")]

    def test_limas_hub_form_is_read_too(self, tmp_path):
        write(tmp_path, "lima/train.jsonl", [{"conversations": ["One?", "Yes."], "source": "wikihow"}])
        assert load_instructions("lima", tmp_path)[0].instruction == "One?"

    def test_a_file_of_instructions_is_checked_row_by_row(self, tmp_path):
        write(tmp_path, "mine.jsonl", [{"id": 7, "instruction": "Why?"}, {"id": 8, "instruction": ""}])
        with pytest.raises(BadInput, match=r"mine\.jsonl, row 2: instruction: .*at least 1 character"):
            load_instructions(str(tmp_path / "mine.jsonl"))
        write(tmp_path, "mine.jsonl", [{"id": 7, "instruction": "Why?"}])
        assert load_instructions(str(tmp_path / "mine.jsonl"))[0].id == "7"
        with pytest.raises(BadInput, match="unknown instructions 'lema': one of lima, tulu3_sft, pocket_train"):
            load_instructions("lema")

    def test_what_is_no_table_on_the_hub_comes_from_there_as_a_file(self, tmp_path, monkeypatch):
        rows = [{"instruction": "Why?", "dataset": "koala", "output": "So.", "generator": "gpt4_1106_preview"}]
        gamed = "model,index,preference,std_delta_len,instruction_difficulty,not_gamed_baseline\nm,0,0.25,-1,2,False\n"
        talk = {"question_id": 81, "category": "writing", "turns": ["One?", "Two?"]}
        folder = f"/datasets/tatsu-lab/alpaca_eval/resolve/{SOURCES['alpaca_eval'].revision}"
        space = f"/spaces/lmsys/mt-bench/resolve/{SOURCES['mt_bench_questions'].revision}/data/mt_bench"
        files = {
            f"{folder}/alpaca_eval_gpt4_baseline.json": json.dumps(rows).encode(),
            f"{folder}/df_gamed.csv": gamed.encode(),
            f"{space}/question.jsonl": json.dumps(talk).encode(),
            f"{space}/reference_answer/gpt-4.jsonl": b"",
        }
        monkeypatch.delenv("CCE_DATA", raising=False)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        with fake_hub(files) as address:
            template = address + "/{repo_id}/resolve/{revision}/{filename}"
            monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
            (reference,), (difficulty, baselines), (question,) = load_references(), load_gamed(), load_questions()
            with pytest.raises(DataMissing, match=r"GAIR/lima, file train\.jsonl: not found in any folder"):
                load_instructions("lima")
        assert reference == Question(id="0", category="koala", turns=("Why?",), references=("So.",))
        assert difficulty.to_dict("records") == [{"index": 0, "instruction_difficulty": 2}]
        assert baselines[["preference", "std_delta_len"]].values.tolist() == [[0.25, -1]]
        assert question.turns == ("One?", "Two?")

    def test_offline_and_without_the_file_one_error_says_what_to_download(self, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(
            DataMissing, match=r"tatsu-lab/alpaca_eval, file alpaca_eval_gpt4_baseline\.json: not found"
        ):
            load_references(data_dir=tmp_path)
        assert load_gamed(tmp_path) == (None, None)

    def test_a_gamed_file_without_a_column_is_named(self, tmp_path):
        write(tmp_path, "df_gamed.csv", [{"index": "0", "preference": "0.5", "std_delta_len": "1"}])
        with pytest.raises(BadInput, match="df_gamed: a column is missing.*instruction_difficulty"):
            load_gamed(tmp_path)


def published_frame(name: str) -> pd.DataFrame:
    (path,) = Path(os.environ["CCE_DATA"]).rglob(f"{name}.csv")
    return pd.read_csv(path)


class TestLeaderboard:
    """The published rates, from the published annotations."""

    @published
    def test_the_plain_win_rate_is_the_leaderboards(self):
        for model, rows in annotated():
            assert win_rate(rows) == pytest.approx(leaderboard().win_rate[model], abs=1e-9), model

    @pytest.mark.slow
    @published
    @pytest.mark.parametrize(("shift", "worst", "mean"), [((0, 0), 0.3, 0.1), ((0.0401, 0.00385), 0.16, 0.03)])
    def test_the_length_controlled_one_is_too(self, shift, worst, mean):
        """The gamed baselines at hand have predictions for preferences, and cost up to 0.3 points.

        They enter the regression through two sums alone, of preferences times tanh of length and times difficulty.
        The leaderboard's saved weights of all models imply the same two, -182.69 and 412.93; the shift moves the
        predictions to these. What is left are models of which the cross-validation chose another strength.
        """
        difficulty, gamed = load_gamed()
        along = shift[0] * np.tanh(gamed.std_delta_len) + shift[1] * gamed.instruction_difficulty
        gamed = gamed.assign(preference=expit(logit(gamed.preference) + along))
        rates = {model: length_controlled_win_rate(rows, difficulty, gamed) for model, rows in annotated()}
        errors = (pd.Series(rates) - leaderboard().length_controlled_winrate[list(rates)]).abs()
        assert len(errors) == 29
        assert errors.max() < worst, errors.idxmax()
        assert errors.mean() < mean


def annotated() -> list[tuple[str, pd.DataFrame]]:
    models = leaderboard().index
    return [
        (model, rows)
        for model, rows in published_frame("annotations_compact").groupby("generator_2")
        if model in models
    ]


def leaderboard() -> pd.DataFrame:
    return published_frame("leaderboard_alpacaeval2").set_index("Unnamed: 0")


N = 400


def planted(of_length: float, of_difficulty: float, of_model: float, longer: int = 0, seed: int = 0) -> pd.DataFrame:
    """Annotations of a model whose outputs are `longer` characters longer on average, by the regression's own rule."""
    draw = np.random.default_rng(seed)
    length = draw.integers(500, 2500, N)
    own = length + longer + draw.integers(-600, 601, N)
    short = np.tanh((length - own) / (length - own).std(ddof=1))
    preference = 1 + expit(of_length * short + of_difficulty * difficulty_of().instruction_difficulty + of_model)
    return annotations(preference, length, own)


def annotations(preference, length, own) -> pd.DataFrame:
    place = {"generator_2": "planted", "index": range(N), "dataset": "koala"}
    return pd.DataFrame(place | {"preference": preference, "len_output_1": length, "len_output_2": own})


def difficulty_of() -> pd.DataFrame:
    return pd.DataFrame({"index": range(N), "instruction_difficulty": np.random.default_rng(1).normal(0, 1.5, N)})


def gamed_rows(of_length: float = -1.5, of_difficulty: float = 0.8) -> pd.DataFrame:
    """A brief and a wordy baseline by the same rule, neither of them any better than the reference."""
    rows = pd.concat([difficulty_of()] * 2, ignore_index=True)
    std_delta_len = np.linspace(-3, 3, 2 * N)
    preference = expit(of_length * np.tanh(std_delta_len) + of_difficulty * rows.instruction_difficulty)
    return rows.assign(std_delta_len=std_delta_len, preference=preference)


class TestRates:
    """What is planted is found."""

    def test_a_model_that_wins_by_length_alone_is_no_better_at_equal_length(self):
        rows = planted(of_length=-2, of_difficulty=0, of_model=0, longer=700)
        assert win_rate(rows) > 70
        controlled = length_controlled_win_rate(rows, difficulty_of(), gamed_rows(of_length=-2, of_difficulty=0))
        assert controlled == pytest.approx(50, abs=1)

    @pytest.mark.parametrize("of_model", [-2.0, 0.0, 1.0])
    def test_a_planted_model_and_difficulty_are_recovered_whatever_the_length(self, of_model):
        rate = 100 * expit(0.8 * difficulty_of().instruction_difficulty + of_model).mean()
        for longer in (-800, 0, 800):
            rows = planted(-1.5, 0.8, of_model, longer)
            assert length_controlled_win_rate(rows, difficulty_of(), gamed_rows()) == pytest.approx(rate, abs=1)

    def test_draws_are_half_whether_written_0_or_1_5(self):
        rows = pd.DataFrame({"generator_2": "m", "preference": [0, 1.5, 2, 1, None]})
        assert win_rate(rows) == 50

    def test_difficulty_goes_by_index_and_by_row_where_that_is_told(self):
        rows = planted(-1.5, 0.8, 0.5).iloc[100:]
        own = length_controlled_win_rate(rows, difficulty_of(), gamed_rows())
        shuffled = length_controlled_win_rate(rows.sample(frac=1, random_state=0), difficulty_of(), gamed_rows())
        assert shuffled == pytest.approx(own, abs=0.1)
        by_row = rows.assign(index=0, row=rows["index"])
        assert length_controlled_win_rate(by_row, difficulty_of(), gamed_rows()) == own

    def test_an_unreadable_preference_is_no_part_of_the_fit(self):
        rows = planted(-1.5, 0.8, 0.5)
        none = rows.assign(preference=rows.preference.where(rows.index % 2 == 0))
        kept = length_controlled_win_rate(none, difficulty_of(), gamed_rows())
        assert kept == pytest.approx(length_controlled_win_rate(rows, difficulty_of(), gamed_rows()), abs=0.5)

    def test_the_reference_against_itself_is_a_draw(self):
        rows = annotations(1.5, 1000, 1000)
        assert length_controlled_win_rate(rows, difficulty_of(), gamed_rows()) == pytest.approx(50, abs=0.5)

    def test_a_given_strength_is_used_and_the_chosen_one_is_the_default(self):
        frames = planted(-1.5, 0.8, 0.5), difficulty_of(), gamed_rows()
        chosen = chosen_strength(*frames)
        assert length_controlled_win_rate(*frames, strength=chosen) == length_controlled_win_rate(*frames)
        # At the weakest all weights are zero.
        assert length_controlled_win_rate(*frames, strength=1e-4) == 50

    def test_bad_frames_are_refused(self):
        rows = planted(0, 0, 0)
        with pytest.raises(BadInput, match="one model's at a time"):
            win_rate(rows.assign(generator_2=["a", "b"] * (N // 2)))
        with pytest.raises(BadInput, match="difficulty: none for index 399"):
            length_controlled_win_rate(rows, difficulty_of().iloc[:-1], gamed_rows())
        with pytest.raises(BadInput, match="no row has a preference"):
            length_controlled_win_rate(rows.assign(preference=np.nan), difficulty_of(), gamed_rows())


class TestTable:
    """Rates with their intervals."""

    def test_rates_lie_in_their_intervals_and_the_order_is_the_frames(self, monkeypatch):
        monkeypatch.setattr("cce.analysis.students.RESAMPLES", 99)
        rows = pd.concat(
            [planted(-2, 0.5, 0, 300).assign(generator_2="z"), planted(-2, 0.5, 1, 0).assign(generator_2="a")]
        )
        rows.loc[rows.index < 3, "preference"] = np.nan
        table = alpaca_table(rows, difficulty_of(), gamed_rows())
        assert table.model.tolist() == ["z", "a"]
        assert table.instructions.tolist() == [N, N]
        assert table.unreadable.tolist() == [3, 3]
        for name in ("win_rate", "length_controlled"):
            assert (table[f"{name}_low"] < table[name]).all()
            assert (table[name] < table[f"{name}_high"]).all()
        own = rows[rows.generator_2 == "z"]
        assert table.win_rate[0] == pytest.approx(win_rate(own))
        assert table.length_controlled[0] == length_controlled_win_rate(own, difficulty_of(), gamed_rows())
        assert table.length[0] == own.len_output_2.mean()

    def test_without_the_gamed_baselines_or_a_preference_there_is_no_length_controlled_rate(self):
        rows = planted(-2, 0.5, 0)
        (plain,) = alpaca_table(rows).itertuples()
        assert plain.win_rate_low < plain.win_rate < plain.win_rate_high
        assert isnan(plain.length_controlled)
        (none,) = alpaca_table(rows.assign(preference=np.nan), difficulty_of(), gamed_rows()).itertuples()
        assert none.unreadable == N
        assert isnan(none.win_rate)
        assert isnan(none.length_controlled)


def references(*qualities: int) -> list[Question]:
    return [
        Question(
            id=str(place), category="koala", turns=(f"Question {place}?",), references=(f"Reference, quality={q}.",)
        )
        for place, q in enumerate(qualities)
    ]


def outputs(*qualities: int, model: str = "student") -> pd.DataFrame:
    texts = [(f"Longer output, quality={q}.",) for q in qualities]
    return pd.DataFrame({"id": map(str, range(len(texts))), "model": model, "answers": texts})


class TestPreferences:
    """A judge compares outputs with references."""

    def test_rows_are_as_published_and_the_better_one_is_preferred_wherever_it_stands(self, server):
        asked = references(*[5] * 12)
        frame = preferences(asked, outputs(*[7, 3] * 6), server.model("judge"))
        assert list(frame.columns) == ["generator_2", "index", "dataset", "preference", "len_output_1", "len_output_2"]
        assert frame.preference.tolist() == [2, 1] * 6
        assert frame["index"].tolist() == list(range(12))
        assert set(frame.generator_2) == {"student"}
        assert (frame.len_output_1 == len("Reference, quality=5.")).all()
        assert (frame.len_output_2 == len("Longer output, quality=7.")).all()

    def test_in_one_order_a_coin_decides_the_sides_by_the_seed_and_alike_for_all_models(self, server):
        asked, models = references(*[5] * 40), pd.concat([outputs(*[7] * 40, model=name) for name in "ab"])

        def placed(seed: int) -> list[float]:
            return preferences(asked, models, server.model("position-judge"), seed=seed).preference.tolist()

        assert 10 < sum(preference == 2 for preference in placed(0)[:40]) < 30
        assert placed(0)[:40] == placed(0)[40:]
        assert placed(0) == placed(0) != placed(1)

    def test_in_both_orders_a_judge_that_only_sees_the_place_makes_ties(self, server):
        frame = preferences(references(5, 5), outputs(7, 3), server.model("position-judge"), order="both")
        assert frame.preference.tolist() == [1.5, 1.5]

    def test_a_distribution_gives_a_preference_between_one_and_two(self, server):
        options = {"order": "both", "verdict": "distribution"}
        frame = preferences(references(5, 5), outputs(7, 3), server.model("judge"), **options)
        share = (1 / (1 + np.exp(-0.2))) / (1 / (1 + np.exp(-0.2)) + 1 / (1 + np.exp(0.2)))
        assert frame.preference.tolist() == pytest.approx([1 + share, 2 - share])

    def test_an_unreadable_verdict_is_no_preference_and_is_counted(self, server):
        frame = preferences(references(5, 5), outputs(7, 3), server.model("mute-judge"))
        assert frame.preference.isna().all()
        assert alpaca_table(frame).unreadable.tolist() == [2]

    def test_from_sampling_to_the_table(self, server, tmp_path):
        asked, store = load_references("pocket", limit=6), tmp_path / "s.sqlite"
        sampled = pd.concat(
            [answer_questions(asked, server.model(name), store=store) for name in ("crowd-9", "crowd-0")]
        )
        table = alpaca_table(preferences(asked, sampled, server.model("judge"), store=store))
        assert table.instructions.tolist() == [6, 6]
        assert table.win_rate[0] > table.win_rate[1]

    def test_outputs_to_other_instructions_are_refused_before_anything_is_sent(self, server):
        with pytest.raises(BadInput, match="answers of student: not one to each question given, as '2' shows"):
            preferences(references(5, 5), outputs(7, 3, 4), server.model("judge"))
        assert not server.requests
