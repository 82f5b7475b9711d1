"use strict";
// The browser of cases. What is shown is what the address says after "#cases?": filters, page and case, so that every
// view has a link. Texts of data sets and models become text nodes, and nothing else.

const PAGE = 50;
const FILTERS = ["notebook", "benchmark", "subset", "judge", "method", "outcome"];
const STATE = [...FILTERS, "one", "other", "q", "page", "case"];
const SIGNS = { right: "✓", wrong: "✗", tie: "=", unreadable: "?", missing: "∅", unlabelled: "·" };
// More cells than this in the comparison of two texts take too long.
const MOST_CELLS = 4e6;

const at = (id) => document.getElementById(id);
let data, rows, byPair, lowered;
let found = [], shown = {}, terms = [];

/** An element with attributes, and children that are elements or texts. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

async function unpacked(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  element.textContent = "";
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

function prepare() {
  rows = data.rows;
  byPair = new Map();
  for (const row of rows) {
    const pair = data.pairs[row.pair];
    row.benchmark = pair.benchmark;
    row.subset = pair.subset;
    row.searched = [...row.texts, ...(pair.questions || []), ...(pair.a || []), ...(pair.b || [])];
    // A student stands for its method where the method is all students' own.
    row.voice = row.judge.startsWith("student: ") || row.judge === "untrained" ? row.judge : row.method;
    if (!byPair.has(row.pair)) byPair.set(row.pair, []);
    byPair.get(row.pair).push(row);
  }
  for (const name of FILTERS) fill(at(name), "all", values(name));
  const voices = values("voice");
  fill(at("one"), "-", voices);
  fill(at("other"), "-", voices);
}

const values = (name) => [...new Set(rows.map((row) => row[name]).filter((value) => value))];

function fill(select, none, options) {
  select.append(make("option", { value: "" }, none), ...options.map((value) => make("option", { value }, value)));
}

// The address

function read() {
  const [place, query] = location.hash.split("?");
  const given = new URLSearchParams(place === "#cases" ? query : "");
  return Object.fromEntries(STATE.map((name) => [name, given.get(name) || ""]));
}

function address(changes) {
  const state = { ...shown, ...changes };
  const given = STATE.filter((name) => state[name]).map((name) => [name, state[name]]);
  return `#cases?${new URLSearchParams(given)}`;
}

// What is typed and chosen replaces the address; what is opened adds one, so that going back closes it.
const turn = (changes) => location.replace(address(changes));

// Finding

function find(state) {
  terms = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = terms.map(textsWith);
  const rivals = state.one && state.other ? disagreeing(state.one, state.other) : null;
  return rows.filter(
    (row) =>
      FILTERS.every((name) => !state[name] || row[name] === state[name]) &&
      (!rivals || rivals.has(row)) &&
      hits.every((hit) => row.searched.some((text) => hit[text])),
  );
}

function textsWith(term) {
  lowered ||= lowerCased();
  return lowered.map((text) => text !== null && text.includes(term));
}

function lowerCased() {
  const all = Array(data.texts.length).fill(null);
  for (const row of rows) for (const text of row.searched) all[text] ??= data.texts[text].toLowerCase();
  return all;
}

/** The judgments by these two of pairs on which their verdicts differ, before one judge. */
function disagreeing(one, other) {
  const both = new Set();
  for (const group of byPair.values())
    for (const mine of group)
      for (const theirs of group)
        if (mine.voice === one && theirs.voice === other && comparable(mine, theirs) && mine.verdict !== theirs.verdict)
          both.add(mine).add(theirs);
  return both;
}

function comparable(mine, theirs) {
  const student = mine.voice === mine.judge || theirs.voice === theirs.judge;
  const judge = student || mine.judge === theirs.judge || mine.judge === "none" || theirs.judge === "none";
  return judge && mine.notebook === theirs.notebook && mine.seed === theirs.seed && !mine.failed && !theirs.failed;
}

// The list

function list() {
  const pages = Math.max(1, Math.ceil(found.length / PAGE));
  const page = Math.min(Math.max(1, Number(shown.page) || 1), pages);
  at("list").replaceChildren(...found.slice(PAGE * (page - 1), PAGE * page).map(item));
  at("list").start = PAGE * (page - 1) + 1;
  at("page").textContent = `page ${page} of ${pages}`;
  at("before").disabled = page === 1;
  at("after").disabled = page === pages;
  at("before").onclick = () => turn({ page: page - 1 });
  at("after").onclick = () => turn({ page: page + 1 });
  at("pages").hidden = pages === 1;
  at("count").textContent = counted();
}

function counted() {
  const pairs = new Set(found.map((row) => row.pair)).size;
  const of = (outcome) => found.filter((row) => row.outcome === outcome).length;
  const tally = Object.keys(SIGNS).map((name) => [of(name), name]).filter(([count]) => count);
  const judged = found.filter((row) => data.pairs[row.pair].label && row.outcome !== "missing").length;
  const share = judged ? ` ${((100 * of("right")) / judged).toFixed(1)}% right; ties and unreadable ones count as wrong.` : "";
  const counts = tally.map(([count, name]) => `${count.toLocaleString("en")} ${name === "tie" && count > 1 ? "ties" : name}`).join(", ");
  return `${found.length.toLocaleString("en")} judgments of ${pairs.toLocaleString("en")} pairs: ${counts || "none"}.${share}`;
}

function item(row) {
  const pair = data.pairs[row.pair];
  const question = pair.questions ? data.texts[pair.questions.at(-1)].slice(0, 200) : "the pair is not at hand";
  const link = make(
    "a",
    { href: address({ case: row.key }), "data-key": row.key, ...(row.key === shown.case ? { "aria-current": "true" } : {}) },
    make("span", { class: "line" }, chip(row), make("bdi", { class: "method" }, name(row)), make("bdi", {}, place(pair))),
    make("span", { class: "excerpt", dir: "auto" }, question),
  );
  return make("li", {}, link);
}

const chip = (row) => make("span", { class: `chip ${row.outcome}` }, `${SIGNS[row.outcome]} ${row.outcome}`);
const name = (row) => `${row.method} · ${row.judge}${row.seed === null ? "" : ` · seed ${row.seed}`}`;
const place = (pair) => [pair.benchmark, pair.subset, pair.id].filter(Boolean).join(" · ");

// The case

function open(row) {
  const pair = data.pairs[row.pair];
  at("case").replaceChildren(
    make(
      "header",
      {},
      make("p", { class: "steps" }, make("a", { id: "back", href: address({ case: "" }) }, "← all found"), ...neighbours(row)),
      make("h3", { tabindex: "-1", id: "case-title" }, chip(row), " ", make("bdi", {}, name(row))),
      make("p", { class: "small" }, make("bdi", {}, `${row.notebook} · ${place(pair)}`)),
      make("p", { class: "said" }, verdict(row, pair)),
    ),
    ...question(row, pair),
    ...rationales(row),
    ...context(row, pair),
    make("h4", {}, "Other verdicts"),
    others(row),
  );
  at("case").hidden = false;
}

function neighbours(row) {
  const here = found.indexOf(row);
  const link = (other, text) => (other ? make("a", { href: address({ case: other.key }) }, text) : null);
  return [link(found[here - 1], "previous"), link(found[here + 1], "next")];
}

function verdict(row, pair) {
  if (row.failed) return `Missing: a call failed for good. ${row.failed}`;
  const found = row.verdict === "tie" ? "a tie" : row.verdict ? `${row.verdict} is better` : `unreadable: ${row.unreadable || "no verdict was found"}`;
  const label = pair.label ? `the label says ${pair.label}` : "there is no label";
  // In words a verdict is a probability of 0 or 1, and two that disagree are a half.
  const read = row.p_a !== null && [row.p_a, row.p_given, row.p_swapped].some((p) => p !== null && !Number.isInteger(2 * p));
  const given = !read ? "" : ` Probability of A: ${row.p_a.toFixed(3)}`;
  const orders = row.p_swapped === null || row.p_given === null || !given ? "" : ` (in the given order ${row.p_given.toFixed(3)}, swapped ${row.p_swapped.toFixed(3)})`;
  const cost = `${row.calls.toLocaleString("en")} calls, ${(row.prompt_tokens + row.completion_tokens).toLocaleString("en")} tokens, ${row.seconds.toLocaleString("en")} s of model time${row.latency === null ? "" : `, latency ${row.latency.toLocaleString("en")} s`}`;
  const cuts = row.context_cuts ? `, ${row.context_cuts} prompts shortened to fit the context` : "";
  const refused = row.crowd_refused ? `, ${row.crowd_refused} crowd members refused by a filter` : "";
  return `Verdict: ${found}; ${label}.${given}${orders}${given ? "." : ""} ${cost}${cuts}${refused}.`;
}

function question(row, pair) {
  if (!pair.questions) return [note(`Question and answers are not at hand: ${data.whys[pair.why_not]}`)];
  const side = (letter) => {
    const better = pair.label === letter, chosen = row.verdict === letter;
    const badges = [better && make("span", { class: "badge better" }, "labelled better"), chosen && make("span", { class: "badge" }, "judge's choice")];
    const turns = pair[letter.toLowerCase()].flatMap((text, turn) => [turned(turn, pair), body(text)]);
    return make("section", { class: better ? "answer better" : "answer" }, make("h4", {}, `Answer ${letter} `, ...badges.filter(Boolean)), ...turns.filter(Boolean));
  };
  const asked = pair.questions.flatMap((text, turn) => [turned(turn, pair), body(text)]);
  return [
    make("h4", {}, pair.questions.length > 1 ? "Questions" : "Question"),
    ...asked.filter(Boolean),
    make("div", { class: "beside" }, side("A"), side("B")),
    pair.why ? note(`Why: ${pair.why}`) : "",
  ];
}

const turned = (turn, pair) => (pair.questions.length > 1 ? make("p", { class: "small" }, `turn ${turn + 1}`) : null);

function rationales(row) {
  const titles = row.texts.length > 1 ? ["Rationale in the given order", "Rationale in the swapped order, where what stands second is called B"] : ["Rationale"];
  const written = row.texts.map((text, order) => make("section", {}, make("h4", {}, titles[order]), data.texts[text] ? body(text) : note("No text: no model was asked, or it wrote nothing.")));
  return [make("div", { class: written.length > 1 ? "beside" : "" }, ...written)];
}

/** All judgments of the same pair. */
function others(row) {
  const lines = byPair.get(row.pair).map((other) =>
    make(
      "tr",
      other === row ? { class: "this" } : {},
      make("td", {}, other.notebook),
      make("td", {}, other === row ? make("strong", {}, name(other)) : make("a", { href: address({ case: other.key }) }, name(other))),
      make("td", {}, other.verdict || "-"),
      make("td", {}, chip(other)),
    ),
  );
  const heads = ["notebook", "method and judge", "verdict", "outcome"].map((head) => make("th", { scope: "col" }, head));
  return folded(`all verdicts on this pair`, `${lines.length}`, false, make("div", { class: "scroll", role: "region", "aria-label": "all verdicts on this pair", tabindex: "0" }, make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines))));
}

function context(row, pair) {
  const title = make("h4", {}, "How it came about");
  if (typeof row.context === "number") return [title, note(`Not at hand: ${data.whys[row.context]}`)];
  const { crowd, of, selected, notes, prompts, thinking } = row.context;
  const whose = of === null ? "" : `, of the pair ${of}`;
  const parts = [];
  if (crowd.length) {
    const made = [...crowd].sort((one, other) => data.crowd[one].letter.localeCompare(data.crowd[other].letter) || data.crowd[one].side.localeCompare(data.crowd[other].side));
    const letters = [...new Map(made.map((one) => [data.crowd[one].letter, data.crowd[one]])).values()];
    parts.push(folded("crowd answers", `${letters.length}${whose}`, false, ...letters.map(answered)));
    parts.push(folded("crowd judgments", `${crowd.length} made, ${selected.length} selected${whose}`, false, ...made.map((one) => compared(data.crowd[one], selected.includes(one), pair))));
  }
  if (notes.length) parts.push(folded("notes as the judge saw them", `${notes.filter((one) => data.texts[one[3]]).length}`, true, ...notes.map(noted)));
  prompts.forEach((pieces, order) => {
    const text = make("div", { class: "text", dir: "auto" }, pieces.map((piece) => data.texts[piece]).join(""));
    parts.push(folded("final prompt", prompts.length > 1 ? ["given order", "swapped order"][order] : "as sent", false, text));
  });
  if (thinking.length) parts.push(folded("thinking", "no part of the answer", false, ...thinking.map(body)));
  return [title, ...(parts.length ? parts : [note("No model was asked.")])];
}

function answered(one) {
  const who = `${one.letter}: ${one.model || "an answer that the pair brought along"}`;
  return folded(who, "", false, ...one.answer.map(body));
}

function compared(one, chosen) {
  const what = one.outcome || (one.verdict === "tie" ? "tie" : "unreadable");
  const orders = one.texts.flatMap((text, order) => [one.texts.length > 1 ? note(["given order", "swapped order"][order]) : null, body(text)]);
  const title = make("summary", {}, `${one.side} against ${one.letter}`, make("span", { class: `badge ${what}` }, `${one.side} ${what}`), chosen ? make("span", { class: "badge better" }, "selected") : "");
  return make("details", { class: chosen ? "chosen" : "" }, title, ...orders.filter(Boolean));
}

function noted([of, written, kept, seen]) {
  const one = data.crowd[of];
  const title = make("h5", {}, `from ${one.side} against ${one.letter}`);
  const text = data.texts[seen] ? body(seen) : note("All of it was outcome, so the judge did not see it.");
  const cut = written === kept ? null : folded("what removal of the outcome changed", "", false, difference(data.texts[written], data.texts[kept]));
  return make("section", {}, title, text, cut);
}

/** The two texts as one: what went is struck out, what came is underlined. */
function difference(before, after) {
  const [old, now] = [before, after].map((text) => text.match(/\S+\s*|\s+/g) || []);
  const box = make("div", { class: "text", dir: "auto" });
  if (old.length * now.length > MOST_CELLS) return make("div", {}, make("del", {}, before), make("ins", {}, after));
  const width = now.length + 1, same = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i--)
    for (let k = now.length - 1; k >= 0; k--)
      same[i * width + k] = alike(old[i], now[k]) ? same[(i + 1) * width + k + 1] + 1 : Math.max(same[(i + 1) * width + k], same[i * width + k + 1]);
  let i = 0, k = 0;
  while (i < old.length || k < now.length) {
    if (i < old.length && k < now.length && alike(old[i], now[k])) put(box, null, now[k++], i++);
    else if (k >= now.length || (i < old.length && same[(i + 1) * width + k] >= same[i * width + k + 1])) put(box, "del", old[i++]);
    else put(box, "ins", now[k++]);
  }
  return box;
}

const alike = (one, other) => one.trim() === other.trim();

function put(box, tag, word) {
  const last = box.lastChild;
  if (last && (tag ? last.nodeName.toLowerCase() === tag : last.nodeType === Node.TEXT_NODE)) last.append ? last.append(word) : last.appendData(word);
  else box.append(tag ? make(tag, {}, word) : word);
}

const note = (text) => make("p", { class: "small", dir: "auto" }, text);
const folded = (title, count, open, ...children) =>
  make("details", open ? { open: "" } : {}, make("summary", {}, `${title} `, make("span", { class: "count" }, count)), ...children);

/** A text as it stands, with the words that were searched for marked. */
function body(text) {
  const box = make("div", { class: "text", dir: "auto" });
  const words = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const parts = words.length ? data.texts[text].split(new RegExp(`(${words.join("|")})`, "i")) : [data.texts[text]];
  box.append(...parts.map((part, place) => (place % 2 ? make("mark", {}, part) : part)));
  return box;
}

// Showing what the address says

function show() {
  const state = read(), before = shown;
  shown = state;
  if (before.q === undefined || STATE.some((name) => name !== "case" && name !== "page" && state[name] !== before[name])) found = find(state);
  const row = rows.find((one) => one.key === state.case);
  if (row && row.key !== before.case && found.includes(row)) shown.page = String(Math.floor(found.indexOf(row) / PAGE) + 1);
  for (const name of [...FILTERS, "one", "other"]) at(name).value = state[name];
  if (document.activeElement !== at("q")) at("q").value = state.q;
  list();
  at("browser").classList.toggle("opened", Boolean(row));
  if (row) open(row);
  else at("case").hidden = true;
  if (state.case && !row) at("count").textContent += " The case that the address names is not in this report.";
  if (row && row.key !== before.case) {
    at("browser").scrollIntoView();
    at("case").scrollTop = 0;
    at("case-title").focus({ preventScroll: true });
    document.querySelector("#list [aria-current]")?.scrollIntoView({ block: "nearest" });
  }
  if (!row && before.case) focus([...at("list").querySelectorAll("a")].find((link) => link.dataset.key === before.case));
  document.documentElement.dataset.shown = location.hash;
}

function focus(element) {
  element?.focus({ preventScroll: true });
  element?.scrollIntoView({ block: "nearest" });
}

// Keys

function moved(step) {
  if (at("case").contains(document.activeElement)) {
    const next = found[found.findIndex((row) => row.key === shown.case) + step];
    if (next) turn({ case: next.key });
    return;
  }
  const links = [...at("list").querySelectorAll("a")];
  const here = links.indexOf(document.activeElement);
  const next = here < 0 ? (step > 0 ? 0 : links.length - 1) : here + step;
  if (links[next]) focus(links[next]);
  else if (!at(step > 0 ? "after" : "before").disabled) {
    at(step > 0 ? "after" : "before").click();
    waiting = step;
  }
}

// Which end of a new page the next key stands at, once it is shown.
let waiting = 0;

function keyed(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else if (shown.case) location.hash = address({ case: "" });
  } else if (event.key === "/" && !typing) {
    event.preventDefault();
    at("q").focus();
    at("q").select();
  } else if (!typing && (event.key === "j" || event.key === "k")) {
    event.preventDefault();
    moved(event.key === "j" ? 1 : -1);
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && at("list").contains(event.target)) {
    event.preventDefault();
    moved(event.key === "ArrowDown" ? 1 : -1);
  }
}

async function begin() {
  data = await unpacked(at("data"));
  prepare();
  let typed;
  at("q").addEventListener("input", () => {
    clearTimeout(typed);
    typed = setTimeout(() => turn({ q: at("q").value.trim(), page: "" }), 150);
  });
  for (const name of [...FILTERS, "one", "other"]) at(name).addEventListener("change", () => turn({ [name]: at(name).value, page: "" }));
  at("clear").addEventListener("click", () => location.replace("#cases?"));
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => {
    if (location.hash.startsWith("#cases?")) show();
    const links = at("list").querySelectorAll("a");
    if (waiting) focus(links[waiting > 0 ? 0 : links.length - 1]);
    waiting = 0;
  });
  document.addEventListener("keydown", keyed);
  show();
  if (location.hash.startsWith("#cases?") && !shown.case) at("cases").scrollIntoView();
}

begin().catch((problem) => (at("count").textContent = `This browser cannot open the cases: ${problem.message}`));
