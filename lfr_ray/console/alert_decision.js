// The decision: two officers where two are needed, and a wrong press put right.

import { attempt, byId, duration, h, moment, since } from "./dom_elements.js";
import { comparisonTable, stepTitle } from "./alert_comparison.js";
import { given } from "./alert_list.js";
import { named, t, words } from "./translation.js";

const VERDICTS = ["not_a_match", "possible_match", "engage"];
const UNDO_S = 60;

export const noteField = (id, label, required = false) =>
  h("label", {}, label, h("textarea", { id, maxlength: "2000", rows: "2", required }));

export function send(view, path, body, fault, buttons) {
  const alertId = view.id;
  return attempt(fault, async () => {
    const alert = await view.link.post(`/v1/alerts/${alertId}/${path}`, { officer: view.link.officer, ...body });
    if (path === "decision") given(alertId);
    await view.onChanged(alert);
    if (path === "decision" && view.id === alertId && !byId("ruling")) view.drawSteps(); // the stream was first, and still asks
  }, buttons);
}

export function decisionBar(view, step) {
  const fault = h("p", { class: "fault", role: "alert" });
  const second = view.alert.case.state === "awaiting_second";
  const buttons = VERDICTS.map((value, place) => h("button", {
    type: "button", id: `decide-${value}`, disabled: !view.compared, "data-decision": value,
    onclick: async () => {
      const comparison = Object.keys(view.comparison).length ? view.comparison : null;
      const body = { decision: value, note: byId("note").value, comparison };
      if (await send(view, "decision", body, fault, buttons)) settle();
    },
  }, h("b", {}, named("decision", value)), h("small", {}, t(`decision.${value}.means`), " ", h("kbd", {}, t("key.alt", { key: place + 1 })))));
  const pair = view.alert.case.two_person;
  return h("section", { "aria-label": t("decide.label") },
    h("div", { class: "decide-head" }, stepTitle(step, t(second ? "decide.second" : "decide.title")),
      h("p", { class: "small" }, view.compared ? t("decide.recorded") : t("decide.compare_first"),
        pair ? ` ${t(second ? "decide.second_blind" : "decide.pair")}` : "")),
    h("div", { class: "decide-row" },
      noteField("note", t("decide.note")),
      h("div", { class: "verdicts", role: "group", "aria-label": t("decide.label") }, buttons)),
    fault);
}

// After a decision by keyboard the focus stays with what was decided.
function settle() {
  const target = byId("ruling");
  target?.focus({ preventScroll: true });
  target?.scrollIntoView({ block: "nearest" });
}

export function rulingStep(view) {
  const decision = view.alert.decision;
  return h("section", { class: "step", "aria-label": t("decide.label") },
    stepTitle(null, t(decision ? "decide.label" : "ruling.first")),
    decision ? decided(view, decision) : first(view),
    h("div", { class: "actions" }, h("button", { type: "button", class: "main", id: "next", onclick: () => view.onNext() },
      t("ruling.next"), " ", h("kbd", {}, t("key.alt", { key: "N" })))),
    decision ? comparisonTable(decision.verdicts) : comparisonTable(view.own),
    view.alert.history.length > 1 ? history(view.alert.history) : null,
    correction(view, decision));
}

function decided(view, decision) {
  const officers = [...new Set(decision.verdicts.map((verdict) => verdict.officer))].join(t("ruling.and"));
  return h("div", { class: "ruling", id: "ruling", tabindex: "-1" },
    h("b", {}, named("decision", decision.decision)),
    h("p", { class: "small" }, `${officers}, `, moment(decision.decided_at), ", ",
      t("ruling.after", { time: duration(decision.time_to_decision_s) }), decision.agreed ? "" : ` ${t("ruling.differ")}`),
    decision.note ? h("q", {}, decision.note) : null,
    undo(view, decision.verdicts));
}

// One's own verdict while another officer's is awaited: shown to nobody else.
function first(view) {
  const standing = ownStanding(view.own);
  return h("div", { class: "ruling", id: "ruling", tabindex: "-1" },
    h("b", {}, standing ? named("decision", standing.decision) : t("ruling.recorded")),
    h("p", { class: "small" }, standing ? [t("ruling.yours"), ", ", moment(standing.made_at), ". "] : "", t("ruling.waits")),
    standing?.note ? h("q", {}, standing.note) : null,
    undo(view, standing ? [standing] : []));
}

function ownStanding(records) {
  const replaced = new Set(records.map((record) => record.corrects));
  return records.filter((record) => record.decision && !replaced.has(record.record_id)).at(-1);
}

// Within a minute a wrong press is put right with one more; it is recorded as a correction.
function undo(view, verdicts) {
  const mine = verdicts.filter((verdict) => verdict.officer === view.link.officer).at(-1);
  if (!mine || mine.corrects || view.alert.outcome || since(mine.made_at) > UNDO_S) return null;
  const fault = h("p", { class: "fault", role: "alert" });
  const buttons = VERDICTS.filter((value) => value !== mine.decision).map((value) => h("button", {
    type: "button", id: `undo-${value}`,
    onclick: async () => {
      const body = { decision: value, note: t("undo.note"), corrects: mine.record_id };
      if (mine.comparison) body.comparison = mine.comparison;
      if (await send(view, "decision", body, fault, buttons)) settle();
    },
  }, named("decision", value)));
  const left = h("span", {});
  const box = h("div", { class: "undo", id: "undo" }, h("p", { class: "small" }, `${t("undo.wrong")} `, left), ...buttons, fault);
  const tick = setInterval(() => {
    const left_s = UNDO_S - since(mine.made_at);
    left.textContent = t("undo.left", { time: duration(Math.max(0, left_s)) });
    if (left_s > 0 && box.isConnected) return;
    clearInterval(tick);
    if (!box.contains(document.activeElement)) box.remove();
  }, 1000);
  return box;
}

function history(records) {
  return h("details", { id: "history" }, h("summary", {}, t("history.all", { count: records.length })),
    h("ul", { class: "history" }, records.map((record) => h("li", {},
      `${record.record_id}. `, moment(record.made_at), ` ${record.officer}: ${record.decision ? named("decision", record.decision) : named("outcome", record.outcome || record.claim || words(record.kind))}`,
      record.corrects ? ` (${t("history.replaces", { number: record.corrects })})` : "", record.note ? ` – ${record.note}` : ""))));
}

function correction(view, decision) {
  const mine = decision ? decision.verdicts.find((verdict) => verdict.officer === view.link.officer) : ownStanding(view.own);
  const standing = mine || decision?.verdicts.at(-1);
  if (!standing || (view.alert.case.two_person && !mine)) return null;
  const fault = h("p", { class: "fault", role: "alert" });
  const choice = h("select", { id: "correct-to" }, VERDICTS
    .filter((value) => value !== standing.decision)
    .map((value) => h("option", { value }, named("decision", value))));
  const button = h("button", { type: "submit" }, t("correct.go"));
  const submit = async () => {
    const body = { decision: choice.value, note: byId("correct-note").value, corrects: standing.record_id };
    if (await send(view, "decision", body, fault, [button])) settle();
  };
  return h("details", { id: "correcting" }, h("summary", {}, t("correct.title")),
    h("form", { class: "form", onsubmit: submit },
      h("p", { class: "small" }, t("correct.kept")),
      h("label", {}, t("correct.to"), choice), noteField("correct-note", t("correct.reason"), true),
      h("div", { class: "actions" }, button), fault));
}

