// What people record: the decision, its correction, and what came of it.

import { byId, capital, duration, h, moment, problemText, words } from "./elements.js";

const VERDICTS = [
  ["not_a_match", "Not a match", "Another person"],
  ["possible_match", "Possible match", "Nobody is approached"],
  ["engage", "Engage", "An officer approaches"],
];
const OUTCOMES = {
  not_a_match: ["not_stopped", "false_alert"],
  possible_match: ["not_stopped", "false_alert"],
  engage: ["not_stopped", "stopped", "identity_confirmed", "arrest", "other_disposal", "false_alert"],
};
const LABELS = {
  not_stopped: "Not stopped", stopped: "Stopped, then free to go", identity_confirmed: "Identity confirmed",
  arrest: "Arrest", other_disposal: "Other disposal", false_alert: "False alert",
};
const WITH_MINUTES = ["stopped", "identity_confirmed", "arrest", "other_disposal", "false_alert"];
const PERCEIVED = [
  ["perceived_ethnicity", "Ethnicity", ["asian", "black", "mixed", "white", "other", "not_stated"]],
  ["perceived_sex", "Sex", ["female", "male", "other", "not_stated"]],
  ["perceived_age_band", "Age", ["under_18", "18_to_24", "25_to_34", "35_to_44", "45_to_54", "55_to_64", "65_and_over", "not_stated"]],
];

const title = (number, text) => h("h3", {},
  number ? h("span", { class: "number", "aria-hidden": "true" }, number) : null, text);

function note(id, label, required = false) {
  return h("label", {}, label, h("textarea", { id, maxlength: "2000", required }));
}

async function send(view, path, body, fault, buttons) {
  for (const button of buttons) button.disabled = true;
  fault.textContent = "";
  try {
    view.onChanged(await view.link.post(`/v1/alerts/${view.id}/${path}`, { officer: view.link.officer, ...body }));
  } catch (error) {
    fault.textContent = problemText(error);
    for (const button of buttons) button.disabled = false;
  }
}

export function decisionStep(view, number) {
  return view.alert.status === "decided" ? ruling(view) : verdictForm(view, number);
}

function verdictForm(view, number) {
  const fault = h("p", { class: "fault", role: "alert" });
  const waiting = view.alert.case.state === "awaiting_second";
  const buttons = VERDICTS.map(([value, label, means]) => h("button", {
    type: "button", disabled: !view.compared, "data-decision": value,
    onclick: () => send(view, "decision",
      { decision: value, note: byId("note").value, comparison: view.comparison }, fault, buttons),
  }, h("b", {}, label), h("small", {}, means)));
  const pair = view.alert.case.two_person;
  return h("section", { class: "step", "aria-label": "Decision" },
    title(number, waiting ? "Second verdict" : "Decide"),
    h("p", {}, view.compared
      ? "Nothing follows by itself. Your id, the time and your note are recorded."
      : "Compare the faces first."),
    pair ? h("div", { class: "caution", role: "note" }, h("span", { "aria-hidden": "true" }, "⚑"), h("div", {},
      h("b", {}, waiting ? "One verdict is given" : "Two officers decide"),
      waiting ? "A different officer gives the second without knowing the first." : "Nobody is engaged unless both say so.")) : null,
    note("note", "Note (optional)"),
    h("div", { class: "verdicts", role: "group", "aria-label": "Decision" }, buttons),
    fault);
}

function ruling(view) {
  const decision = view.alert.decision;
  const label = VERDICTS.find(([value]) => value === decision.decision)?.[1] || words(decision.decision);
  const officers = decision.verdicts.map((verdict) => verdict.officer).join(" and ");
  const disagreed = decision.agreed ? "" : " The two verdicts differ, so nobody is engaged.";
  return h("section", { class: "step", "aria-label": "Decision" },
    title(null, "Decision"),
    h("div", { class: "ruling", id: "ruling" },
      h("b", {}, label),
      h("p", { class: "small" }, `${officers}, `, moment(decision.decided_at),
        `, ${duration(decision.time_to_decision_s)} after the alert.${disagreed}`),
      decision.note ? h("q", {}, decision.note) : null),
    view.alert.history.length > 1 ? history(view.alert.history) : null,
    correction(view, decision));
}

function history(records) {
  return h("details", {}, h("summary", {}, `All ${records.length} records`),
    h("ul", { class: "history" }, records.map((record) => h("li", {},
      `${record.record_id}. `, moment(record.made_at), ` ${record.officer}: ${words(record[record.kind])}`,
      record.corrects ? ` (replaces ${record.corrects})` : "", record.note ? ` – ${record.note}` : ""))));
}

function correction(view, decision) {
  const fault = h("p", { class: "fault", role: "alert" });
  const choice = h("select", { id: "correct-to" }, VERDICTS
    .filter(([value]) => value !== decision.decision)
    .map(([value, label]) => h("option", { value }, label)));
  const button = h("button", { type: "submit" }, "Record the correction");
  const submit = (event) => {
    event.preventDefault();
    const mine = decision.verdicts.find((verdict) => verdict.officer === view.link.officer);
    const corrects = (mine || decision.verdicts.at(-1)).record_id;
    send(view, "decision", { decision: choice.value, note: byId("correct-note").value, corrects }, fault, [button]);
  };
  return h("details", {}, h("summary", {}, "Correct the decision"),
    h("form", { class: "form", onsubmit: submit },
      h("p", { class: "small" }, "What stands is kept; the correction is recorded beside it."),
      h("label", {}, "Decision", choice), note("correct-note", "Reason", true),
      h("div", { class: "actions" }, button), fault));
}

export function outcomeStep(view) {
  const outcome = view.alert.outcome;
  const body = outcome ? recorded(view, outcome) : [outcomeForm(view, null)];
  return h("section", { class: "step", "aria-label": "Outcome" }, title(null, "What came of it"), ...body);
}

function recorded(view, outcome) {
  const more = [];
  if (outcome.offence_class) more.push(outcome.offence_class);
  if (Number.isFinite(outcome.minutes)) more.push(`${outcome.minutes} min`);
  if (outcome.outcome === "false_alert") more.push(outcome.confirmed ? "confirmed" : "unconfirmed");
  return [
    h("div", { class: "ruling", id: "outcome" },
      h("b", {}, [LABELS[outcome.outcome] || words(outcome.outcome), ...more].join(" · ")),
      h("p", { class: "small" }, `${outcome.officer}, `, moment(outcome.made_at)),
      outcome.note ? h("q", {}, outcome.note) : null),
    h("details", {}, h("summary", {}, "Correct the outcome"), outcomeForm(view, outcome)),
  ];
}

function outcomeForm(view, standing) {
  const fault = h("p", { class: "fault", role: "alert" });
  const allowed = OUTCOMES[view.alert.decision.decision] || [];
  const choice = h("select", { id: "outcome-choice" }, allowed.map((value) => h("option", { value }, LABELS[value])));
  const minutes = h("input", { type: "number", min: "0", max: "1440", step: "0.5", inputmode: "decimal", id: "minutes" });
  const offence = h("input", { maxlength: "64", pattern: "[A-Za-z0-9][A-Za-z0-9 _\\/,\\(\\)\\-]{0,63}", id: "offence" });
  const confirmed = h("select", { id: "confirmed" },
    h("option", { value: "false" }, "Unconfirmed: the person was not engaged"),
    h("option", { value: "true" }, "Confirmed: somebody else"));
  const rows = {
    minutes: h("label", {}, "Minutes stopped", minutes),
    offence: h("label", {}, "Class of offence", offence),
    confirmed: h("label", {}, "Confirmed?", confirmed),
  };
  const fit = () => {
    rows.minutes.hidden = !WITH_MINUTES.includes(choice.value);
    minutes.required = choice.value === "stopped";
    rows.offence.hidden = choice.value !== "arrest";
    offence.required = choice.value === "arrest";
    rows.confirmed.hidden = choice.value !== "false_alert";
  };
  choice.addEventListener("change", fit);
  fit();
  const perceived = PERCEIVED.map(([name, label, values]) => h("label", {}, label,
    h("select", { "data-perceived": name }, h("option", { value: "" }, "–"),
      values.map((value) => h("option", { value }, capital(words(value)))))));
  const noteBox = note("outcome-note", standing ? "Reason for the correction" : "Note (optional)", Boolean(standing));
  const button = h("button", { type: "submit", class: standing ? null : "main" },
    standing ? "Record the correction" : "Record the outcome");
  const submit = (event) => {
    event.preventDefault();
    const body = { outcome: choice.value, note: noteBox.lastChild.value };
    if (!rows.minutes.hidden && minutes.value !== "") body.minutes = Number(minutes.value);
    if (!rows.offence.hidden) body.offence_class = offence.value;
    if (!rows.confirmed.hidden) body.confirmed = confirmed.value === "true";
    for (const select of event.target.querySelectorAll("[data-perceived]")) {
      if (select.value) body[select.dataset.perceived] = select.value;
    }
    if (standing) body.corrects = standing.record_id;
    send(view, "outcome", body, fault, [button]);
  };
  return h("form", { class: "form", onsubmit: submit },
    h("div", { class: "pair" }, h("label", {}, "Outcome", choice), rows.minutes, rows.offence, rows.confirmed),
    noteBox,
    h("details", {}, h("summary", {}, "Perceived by the officer, for equality monitoring (optional)"),
      h("div", { class: "form pair" }, perceived)),
    h("div", { class: "actions" }, button), fault);
}
