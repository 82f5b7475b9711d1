"""`cce report`: one page of a run, with hostile text in pairs and answers, as a file and as Chromium shows it."""

import base64
import gzip
import hashlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing, contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urlencode

import pandas as pd
import pytest

from cce.analysis.report import report
from cce.errors import BadInput
from cce.models.store import Store
from cce.text import visible
from tests.conftest import given_by
from tests.fake_server import FakeServer
from tests.test_profiles import ROOT, run

# Notebooks are run for it, and a browser opens its pages.
pytestmark = pytest.mark.slow
KEY = "sk-marked-key-that-must-not-show"
RUNS = "window.hacked=1"
HOSTILE = (
    f"</script><script>{RUNS}</script><img src=x onerror={RUNS}> {{{{ 7 * 7 }}}} {{% raw %}} <!--<script> \"'`&lt; "
    "\u2028\u202eright to left"
)
QUALITIES = [(2, 7), (6, 3), (3, 6), (8, 5), (5, 3), (7, 2)]
METHODS = {
    "01_judge_accuracy": ["longer", "vanilla", "evalplan", "maj@3", "cce-random@2", "cce@4"],
    "02_selection": ["vanilla", "cce-random@2", "cce-praising@2", "cce-criticizing@2", "cce@2", "cce-shuffled@2"],
}
# A phrase of the prompt of evalplan, whose judgments are missing for it.
REFUSED = "evaluation plan"


def hostile_pair(place: int, a: int, b: int) -> dict:
    return {
        "id": f"pair-{place}<i>",
        "instruction": f"<script>{RUNS}</script> Question {place}, a question? {HOSTILE}",
        "answer_a": f"{HOSTILE} Answer one, quality={a}.",
        "answer_b": f"Answer two, quality={b}. {HOSTILE}",
        "label": "A" if a > b else "B",
        "subset": f"<b onclick={RUNS}>kind {place % 2}</b>",
        "why": f"Because {HOSTILE}",
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run of notebooks 01 and 02 on hostile pairs, one method being refused; the judges err, leak, are mute."""
    folder = tmp_path_factory.mktemp("run")
    lines = [json.dumps(hostile_pair(place, *qualities)) for place, qualities in enumerate(QUALITIES)]
    (folder / "hostile.jsonl").write_text("\n".join(lines))
    with FakeServer(refused=REFUSED) as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CCE_API_KEY", KEY)
        models = {
            "judges": list(map(server.model, ("leaky-judge", "mute-judge", "some-model"))),
            "crowd": list(map(server.model, ("crowd-1", "crowd-9"))),
        }
        files = {"store": str(folder / "s.sqlite"), "out": str(folder), "figures": str(folder)}
        for stem, methods in METHODS.items():
            given = given_by(ROOT / f"params/demo/{stem}.yaml")
            asked = {"benchmarks": [str(folder / "hostile.jsonl")], "methods": methods, "limit": None}
            run(stem, given | models | files | asked, folder, kernel=True)
    return folder


@pytest.fixture(scope="module")
def page(folder) -> Path:
    return report(folder)


@pytest.fixture
def copied(folder, tmp_path) -> Path:
    """A copy of the run in a folder of its own, to take things away from."""
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    for file in copy.glob("*.ipynb"):
        file.write_text(file.read_text().replace(str(folder), str(copy)))
    return copy


def judgments_in(folder: Path) -> pd.DataFrame:
    files = (folder / f"{stem}.jsonl" for stem in METHODS)
    rows = [json.loads(line) | {"notebook": file.stem} for file in files for line in file.open()]
    return pd.DataFrame(rows)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and all that is said in it."""

    def __init__(self, page: Path):
        super().__init__()
        self.found, self.said = [], []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))

    def handle_data(self, text):
        if self.lasttag not in ("script", "style"):
            self.said.append(text)


def data_of(page: Path) -> dict:
    packed = re.search(r'id="data">([^<]*)<', page.read_text(encoding="utf-8"))[1]
    return json.loads(gzip.decompress(base64.b64decode(packed)))


def whys_of(data: dict) -> list[str]:
    return [data["whys"][row["context"]] for row in data["rows"] if isinstance(row["context"], int)]


def test_the_page_holds_the_run_and_says_what_was_not_run(page):
    said = " ".join(Elements(page).said)
    for expected in ("Table 1", "Table 4", "Figure 3", "73.6", "80.3", "leaky-judge", "hostile.jsonl (6 pairs)"):
        assert expected in said
    assert said.count("not run here") == 5  # scaling, two of key points, distillation, rejection sampling
    assert "Served at a loopback address" in said
    assert "embedded model" not in said
    assert len(data_of(page)["rows"]) == 6 * (1 + 3 * 5 + 3 * 6)


def test_the_page_loads_nothing_from_elsewhere_and_runs_only_its_own_script(page):
    elements = Elements(page)
    policy = next(one["content"] for _, one in elements.found if one.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    links = [one[name] for _, one in elements.found for name in ("src", "href", "data", "action") if name in one]
    assert links and all(link.startswith(("#", "data:image/svg+xml;base64,")) for link in links)
    assert not {tag for tag, _ in elements.found} & {"link", "iframe", "object", "embed", "base", "b", "i"}
    assert not [one for _, one in elements.found if any(name.startswith("on") or name == "style" for name in one)]
    scripts = [one for tag, one in elements.found if tag == "script"]
    assert scripts == [{"type": "application/gzip", "id": "data"}, {}]
    for kind in ("style", "script"):
        text = re.search(f"<{kind}>(.*)</{kind}>", page.read_text(encoding="utf-8"), re.S)[1]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert RUNS not in page.read_text(encoding="utf-8")


def test_no_key_is_in_the_page(page, folder):
    assert "Your key is Bearer ***" in json.dumps(data_of(page))
    assert KEY not in page.read_text(encoding="utf-8") + json.dumps(data_of(page))


def test_costs_are_those_of_the_store(page, folder):
    store = sqlite3.connect(folder / "s.sqlite")
    answers = [json.loads(one) for (one,) in store.execute("SELECT response FROM completions")]
    tokens = sum(answer["prompt_tokens"] + answer["completion_tokens"] for answer in answers)
    total = re.search(r">all</td>(.*?)</tr>", page.read_text(encoding="utf-8"), re.S)[1]
    cells = re.findall(r'class="number">([^<]*)<', total)
    assert cells[:1] + cells[-1:] == [f"{len(answers):,}", f"{tokens:,}"]
    assert "0.00" in cells  # a server of this machine


def test_latency_stands_beside_the_costs_by_stage(page, folder):
    records = [json.loads(line) for line in (folder / "02_selection.jsonl").open()]
    own = [row for row in records if row["method"] == "cce@2" and row["judge"].startswith("some-model")]
    table = page.read_text(encoding="utf-8").rsplit("Latency by notebook, method and stage", 1)[1]
    rows = [re.findall(r"<td[^>]*>([^<]*)<", row) for row in table.split("</table>")[0].split("<tr>")]
    stages = {row[3]: row for row in rows if row[:3] == ["02_selection", "some-model", "cce@2"]}
    assert list(stages) == ["answer", "judgment", "removal", "final", "all"]
    heads = re.findall(r"<th [^>]*>([^<]*)<", table)
    whole = dict(zip(heads, stages["all"], strict=False))
    assert whole["judgments"] == str(len(own))
    assert whole["median"] == f"{pd.Series([row['latency'] for row in own]).median():.2f}"


def test_a_case_tells_how_its_verdict_came_about_as_its_record_does(page, folder):
    data, store = data_of(page), Store(folder / "s.sqlite", replay=True)
    texts, of = data["texts"], data["crowd"].__getitem__
    records = [json.loads(line) for line in (folder / "01_judge_accuracy.jsonl").open()]
    record = next(one for one in records if (one["method"], one["judge"].split("@")[0]) == ("cce@4", "some-model"))
    row = next(
        row
        for row in data["rows"]
        if (row["notebook"], row["judge"], row["method"]) == ("01_judge_accuracy", "some-model", "cce@4")
        and data["pairs"][row["pair"]]["id"] == record["id"]
    )
    told, trace = row["context"], record["trace"]
    assert len(told["crowd"]) == len(trace["crowd"]) == 4 and record["selected"]
    assert [(of(one)["side"], of(one)["letter"], of(one)["outcome"]) for one in told["selected"]] == [
        (one["candidate"], one["member"], one["outcome"]) for one in trace["crowd"] if one["selected"]
    ]
    assert [texts[text] for one in told["crowd"] for text in of(one)["texts"]] == [
        store.response(key)["text"] for one in trace["crowd"] for key in one["rationales"]
    ]
    notes = [[texts[text] for text in note[1:]] for note in told["notes"]]
    assert notes == [[note["written"], note["kept"], note["shown"]] for note in trace["notes"]]
    prompts = ["".join(texts[piece] for piece in pieces) for pieces in told["prompts"]]
    assert prompts == [visible(store.request(key)["messages"][0]["content"]) for key in trace["final"]]
    assert all(note["shown"] in prompts[0] for note in trace["notes"])
    assert [texts[text] for text in row["texts"]] == [record["text"]]


def test_a_case_with_foreign_notes_says_of_which_pair_they_are(page):
    rows = [
        row for row in data_of(page)["rows"] if row["method"].startswith("cce") and isinstance(row["context"], dict)
    ]
    told = {(row["method"], row["context"]["of"]) for row in rows}
    assert {of for method, of in told if method == "cce@2"} == {None}
    assert {of for method, of in told if method == "cce-shuffled@2"} == {f"pair-{place}<i>" for place in range(6)}


def test_two_models_behind_one_name_are_named_on_the_page(copied):
    with closing(sqlite3.connect(copied / "s.sqlite")) as store, store:
        key, answer = store.execute(
            "SELECT key, response FROM completions WHERE request LIKE '%some-model%'"
        ).fetchone()
        answer = json.dumps(json.loads(answer) | {"model": f"another {HOSTILE}"})
        store.execute("UPDATE completions SET response = ? WHERE key = ?", (answer, key))
    said = " ".join(Elements(report(copied)).said)
    assert "some-model was answered by several models: another" in said and "and some-model" in said


def test_what_became_of_each_judgment_is_what_the_file_says(page, folder):
    rows = judgments_in(folder)
    of = pd.Series([row["outcome"] for row in data_of(page)["rows"]])
    failed = rows.failed.notna()
    assert (of[failed] == "missing").all() and failed.sum() == 6 * 3
    assert (of[~failed & rows.verdict.isna()] == "unreadable").all()
    assert (of[rows.correct == True] == "right").all()  # noqa: E712
    assert set(of) == {"right", "wrong", "tie", "unreadable", "missing"}


def test_without_the_store_the_page_says_what_is_not_at_hand(copied):
    for file in copied.glob("s.sqlite*"):
        file.unlink()
    page = report(copied)
    said = whys_of(data_of(page))
    assert len(said) == 6 * (3 * 5 + 3 * 6)  # longer asks no model, and needs no store
    assert all("store is not at hand" in why or "content policy" in why for why in said)
    assert "The run's store is not at hand." in page.read_text()


def test_the_page_needs_neither_the_pairs_file_nor_a_model(copied, page):
    (copied / "hostile.jsonl").unlink()
    assert data_of(report(copied)) == data_of(page)


def test_a_completion_that_the_store_has_lost_is_said_where_it_is_missed(copied):
    with closing(sqlite3.connect(copied / "s.sqlite")) as store:
        store.execute("DELETE FROM completions WHERE request LIKE '%some-model%'")
        store.commit()
    said = whys_of(data_of(report(copied)))
    assert 0 < sum("does not hold the completion" in why for why in said) < len(said) + 1


def test_records_of_an_earlier_version_are_shown_without_a_trace(copied):
    file = copied / "01_judge_accuracy.jsonl"
    rows = [json.loads(line) for line in file.open()]
    bare = [{name: cell for name, cell in row.items() if name not in ("pair", "trace", "seed")} for row in rows]
    file.write_text("\n".join(map(json.dumps, bare)))
    data = data_of(report(copied))
    assert any("holds no trace" in why for why in whys_of(data))
    assert len(data["rows"]) == 6 * (1 + 3 * 5 + 3 * 6)


def test_without_the_executed_notebook_tables_and_judgments_are_there(copied):
    for file in copied.glob("*.ipynb"):
        file.unlink()
    page = report(copied)
    assert all("store is not at hand" in why or "content policy" in why for why in whys_of(data_of(page)))
    assert "leaky-judge" in page.read_text()


def test_a_folder_without_results_is_refused(tmp_path):
    with pytest.raises(BadInput, match="no notebook's results lie there; name the folder of a run, such as runs/demo"):
        report(tmp_path)


@pytest.mark.parametrize("name", ["01_judge_accuracy.csv", "01_judge_accuracy.jsonl", "01_judge_accuracy.ipynb"])
def test_a_file_that_is_no_result_is_named_and_the_last_page_stays(copied, name):
    (copied / "report.html").write_text("the last one")
    (copied / name).write_text("" if name.endswith("csv") else "{")
    with pytest.raises(BadInput, match=f"{name}: .*run its notebook again"):
        report(copied)
    assert (copied / "report.html").read_text() == "the last one"


def test_the_command_prints_the_page(copied, monkeypatch):
    monkeypatch.chdir(copied.parent)
    said = subprocess.run([sys.executable, "-m", "cce", "report", "copy"], capture_output=True, text=True, check=True)
    assert said.stdout == f"{copied / 'report.html'}\n"
    assert not list(copied.glob("*.part"))


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_every_text_colour_has_contrast_on_every_ground(scheme):
    style = (ROOT / "cce/analysis/report/style.css").read_text()
    colours = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6})", style.split(":root {")[scheme + 1].split("}")[0]))
    texts = ("ink", "quiet", "accent", "right", "wrong", "doubt", "gone")
    grounds = {"ground": texts, "card": texts, "better": ("ink", "quiet", "right"), "mark": ("ink",)}
    grounds["caution"] = ("ink",)
    for ground, on in grounds.items():
        for text in on:
            light, dark = sorted((luminance(colours[name]) for name in (ground, text)), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, ground)


# In the browser


@contextmanager
def opened(browser, page: Path, address: str = "", **options):
    """The page in a fresh context; whatever the block does, nothing has run that is not the page's own, nor failed."""
    context, wrong = browser.new_context(**options), []
    tab = context.new_page()
    tab.on("dialog", lambda dialog: wrong.append(dialog.message))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda said: wrong.append(said.text))
    tab.on("request", lambda request: request.url.startswith(("file:", "data:")) or wrong.append(request.url))
    tab.goto(page.as_uri() + address)
    settle(tab)
    yield tab
    assert tab.evaluate("window.hacked") is None
    assert wrong == []
    context.close()


def settle(tab, said: str = "") -> None:
    """Wait until the address says this, and the page shows what the address says."""
    shown = "(said) => location.hash.includes(said) && document.documentElement.dataset.shown === location.hash"
    tab.wait_for_function(shown, arg=said)


def choose(tab, name: str, value: str) -> None:
    tab.select_option(f"#{name}", value)
    settle(tab, f"{name}=")
    assert parse_qs(tab.evaluate("location.hash").split("?")[1])[name] == [value]


def search(tab, text: str) -> None:
    tab.fill("#q", text)
    settle(tab, urlencode({"q": text}))


def press(tab, *keys: str) -> None:
    for key in keys:
        tab.keyboard.press(key)
        settle(tab)


def click(link) -> None:
    link.click()
    settle(link.page)


def count(tab) -> int:
    return int(tab.inner_text("#count").split()[0].replace(",", ""))


def test_hostile_text_is_shown_as_it_stands_and_does_not_run(browser, page):
    with opened(browser, page) as tab:
        assert tab.locator("#list a").count() == 50
        assert f"<script>{RUNS}</script>" in tab.inner_text("#list li:first-child")
        choose(tab, "method", "cce@4")
        click(tab.locator("#list a", has_text="some-model").first)
        tab.evaluate("document.querySelectorAll('#case details').forEach((one) => (one.open = true))")
        said = tab.inner_text("#case")
        assert all(part in said for part in ("Because", "{{ 7 * 7 }} {% raw %}", "<img src=x onerror="))
        assert all(part in said for part in ("crowd judgments", "selected", "notes as the judge saw", "final prompt"))
        assert tab.locator("#case script, #case img, #case b").count() == 0
        assert tab.locator("#case del").count() > 0


def test_filters_agree_with_the_file(browser, page, folder):
    rows = judgments_in(folder)
    with opened(browser, page) as tab:
        assert count(tab) == len(rows)
        choose(tab, "outcome", "unreadable")
        assert count(tab) == (rows.failed.isna() & rows.verdict.isna()).sum()
        assert set(tab.locator("#list .chip").all_inner_texts()) == {"? unreadable"}
        choose(tab, "outcome", "missing")
        assert count(tab) == rows.failed.notna().sum()
        choose(tab, "outcome", "wrong")
        choose(tab, "notebook", "02_selection")
        wrong = rows.failed.isna() & rows.verdict.notna() & ~rows.correct.fillna(False).astype(bool)
        assert count(tab) == (wrong & (rows.notebook == "02_selection")).sum()
        click(tab.locator("#clear"))
        choose(tab, "judge", "some-model")
        choose(tab, "subset", hostile_pair(1, 1, 2)["subset"])
        chosen = rows[rows.judge.str.startswith("some-model") & rows.subset.str.contains("kind 1")]
        assert count(tab) == len(chosen)
        assert f"{100 * chosen.correct.dropna().mean():.1f}% right" in tab.inner_text("#count")


def test_search_finds_words_wherever_they_stand(browser, page, folder):
    rows = judgments_in(folder)
    with opened(browser, page) as tab:
        search(tab, "QUESTION 3, a")
        assert count(tab) == (rows.id == "pair-3<i>").sum()
        search(tab, "your key is")
        assert count(tab) == rows.text.str.contains("Your key is", na=False).sum() > 0
        click(tab.locator("#list a").first)
        assert "key" in [mark.lower() for mark in tab.locator("#case mark").all_inner_texts()]
        search(tab, "no such word anywhere")
        assert count(tab) == 0


def test_the_link_of_a_case_and_its_filters_leads_back_to_it(browser, page):
    with opened(browser, page) as tab:
        choose(tab, "method", "cce@4")
        click(tab.locator("#list a").nth(3))
        title, counted, address = tab.inner_text("#case-title"), tab.inner_text("#count"), tab.evaluate("location.hash")
    with opened(browser, page, address) as fresh:
        assert (fresh.inner_text("#case-title"), fresh.inner_text("#count")) == (title, counted)
        assert fresh.input_value("#method") == "cce@4"
        fresh.locator("#case summary", has_text="all verdicts").click()
        click(fresh.locator("#case a", has_text="vanilla").first)
        assert "vanilla" in fresh.inner_text("#case-title")
        fresh.go_back()
        settle(fresh)
        assert fresh.inner_text("#case-title") == title
    with opened(browser, page, "#cases?case=nowhere") as fresh:
        assert "not in this report" in fresh.inner_text("#count")


def test_keys_alone_find_open_and_close_a_case(browser, page):
    focused = "document.activeElement.id || document.activeElement.dataset.key"
    with opened(browser, page) as tab:
        press(tab, "/")
        assert tab.evaluate(focused) == "q"
        press(tab, "Escape")
        press(tab, "j", "j", "ArrowDown", "k")
        key = tab.locator("#list a").nth(1).get_attribute("data-key")
        assert tab.evaluate(focused) == key
        assert tab.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        press(tab, "Enter")
        assert tab.evaluate(focused) == "case-title"
        press(tab, "j", "Escape")
        assert tab.evaluate(focused) == tab.locator("#list a").nth(2).get_attribute("data-key")


def test_keys_walk_from_page_to_page(browser, page):
    with opened(browser, page) as tab:
        tab.locator("#list a").last.focus()
        press(tab, "j")
        assert tab.evaluate("document.activeElement === document.querySelector('#list a')")
        press(tab, "k")
        assert tab.evaluate("document.activeElement === [...document.querySelectorAll('#list a')].at(-1)")


def test_where_two_methods_disagree_only_their_differing_pairs_are_shown(browser, page, folder):
    rows = judgments_in(folder)
    rows = rows[rows.failed.isna() & rows.method.isin(["longer", "vanilla"])]
    length = rows[rows.method == "longer"].set_index("id").verdict
    vanilla = rows[(rows.method == "vanilla") & (rows.notebook == "01_judge_accuracy")]
    differ = vanilla[vanilla.verdict.fillna("") != vanilla.id.map(length)]
    with opened(browser, page) as tab:
        choose(tab, "one", "longer")
        choose(tab, "other", "vanilla")
        assert count(tab) == len(differ) + differ.id.nunique()
        assert all(("longer" in name) or ("vanilla" in name) for name in tab.locator("#list .method").all_inner_texts())


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_one_column_without_sideways_scrolling(browser, page, scheme):
    wide = "document.documentElement.scrollWidth > innerWidth"
    with opened(browser, page, viewport={"width": 375, "height": 700}, color_scheme=scheme, has_touch=True) as tab:
        assert not tab.evaluate(wide)
        assert tab.locator(".summary [data-head=ours]").first.bounding_box()["x"] < 375
        choose(tab, "method", "cce@4")
        tab.locator("#list a").first.tap()
        settle(tab, "case=")
        tab.evaluate("document.querySelectorAll('#case details').forEach((one) => (one.open = true))")
        assert not tab.evaluate(wide)
        assert not tab.locator("#found").is_visible()
        a, b = (tab.locator(".answer").nth(side).bounding_box() for side in (0, 1))
        assert a["x"] == b["x"] and a["y"] < b["y"]
        tab.locator("#back").tap()
        tab.wait_for_selector("#case", state="hidden")
        assert tab.locator("#found").is_visible()


def test_ten_thousand_judgments_are_shown_a_page_at_a_time(browser, folder, tmp_path):
    plant(tmp_path, folder, pairs=1_250, methods=8)
    with opened(browser, report(tmp_path)) as tab:
        assert count(tab) == 10_000
        assert tab.locator("#browser *").count() < 500
        search(tab, "question 77,")
        assert count(tab) == 12 * 8  # 77, 177 ... 1177
        click(tab.locator("#list a").first)
        assert "Question 77," in tab.inner_text("#case")


def plant(into: Path, like: Path, pairs: int, methods: int) -> None:
    """A folder with a table and so many judgments, after the pattern of a real run's."""
    planted = [hostile_pair(place, 7, 3) | {"id": str(place)} for place in range(pairs)]
    shutil.copy(like / "01_judge_accuracy.csv", into)
    row = next(json.loads(line) for line in (like / "01_judge_accuracy.jsonl").open() if "vanilla" in line)
    rows = [
        row
        | {"id": pair["id"], "method": f"maj@{method + 1}", "text": f"Rationale {method} of {pair['id']}. {HOSTILE}"}
        | {"pair": {"questions": [pair["instruction"]], "a": [pair["answer_a"]], "b": [pair["answer_b"]], "why": ""}}
        for pair in planted
        for method in range(methods)
    ]
    (into / "01_judge_accuracy.jsonl").write_text("\n".join(map(json.dumps, rows)))
