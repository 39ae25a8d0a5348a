// What came of a decided alert.

import { h, moment } from "./dom_elements.js";
import { stepTitle } from "./alert_comparison.js";
import { named, t } from "./translation.js";
import { noteField, send } from "./alert_decision.js";

const OUTCOMES = {
  not_a_match: ["not_stopped", "false_alert"],
  possible_match: ["not_stopped", "false_alert"],
  engage: ["not_stopped", "stopped", "identity_confirmed", "arrest", "other_disposal", "false_alert"],
};
const WITH_MINUTES = ["stopped", "identity_confirmed", "arrest", "other_disposal", "false_alert"];
const PERCEIVED = {
  perceived_ethnicity: ["asian", "black", "mixed", "white", "other", "not_stated"],
  perceived_sex: ["female", "male", "other", "not_stated"],
  perceived_age_band: ["under_18", "18_to_24", "25_to_34", "35_to_44", "45_to_54", "55_to_64", "65_and_over", "not_stated"],
};

export function outcomeStep(view) {
  const outcome = view.alert.outcome;
  const body = outcome ? recorded(view, outcome) : [outcomeForm(view, null)];
  return h("section", { class: "step", "aria-label": t("outcome.label") }, stepTitle(null, t("outcome.title")), ...body);
}

function recorded(view, outcome) {
  const more = [];
  if (outcome.offence_class) more.push(outcome.offence_class);
  if (Number.isFinite(outcome.minutes)) more.push(`${outcome.minutes} min`);
  if (outcome.outcome === "false_alert") more.push(t(outcome.confirmed ? "outcome.confirmed" : "outcome.unconfirmed"));
  return [
    h("div", { class: "ruling", id: "outcome" },
      h("b", {}, [named("outcome", outcome.outcome), ...more].join(" · ")),
      h("p", { class: "small" }, `${outcome.officer}, `, moment(outcome.made_at)),
      outcome.note ? h("q", {}, outcome.note) : null),
    h("details", { id: "correcting-outcome" }, h("summary", {}, t("outcome.correct")), outcomeForm(view, outcome)),
  ];
}

function outcomeForm(view, standing) {
  const fault = h("p", { class: "fault", role: "alert" });
  const allowed = OUTCOMES[view.alert.decision.decision] || [];
  const choice = h("select", { id: "outcome-choice" }, allowed.map((value) => h("option", { value }, named("outcome", value))));
  const minutes = h("input", { type: "number", min: "0", max: "1440", step: "0.5", inputmode: "decimal", id: "minutes" });
  const offence = h("input", { maxlength: "64", pattern: "[A-Za-z0-9][A-Za-z0-9 _\\/,\\(\\)\\-]{0,63}", id: "offence" });
  const confirmed = h("select", { id: "confirmed" },
    h("option", { value: "false" }, t("outcome.unconfirmed.long")), h("option", { value: "true" }, t("outcome.confirmed.long")));
  const rows = {
    minutes: h("label", {}, t("outcome.minutes"), minutes),
    offence: h("label", {}, t("outcome.offence"), offence),
    confirmed: h("label", {}, t("outcome.confirmed?"), confirmed),
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
  const perceived = Object.entries(PERCEIVED).map(([name, values]) => h("label", {}, t(`perceived.${name}`),
    h("select", { id: name, "data-perceived": name }, h("option", { value: "" }, "–"),
      values.map((value) => h("option", { value }, named("perceived", value))))));
  const note = noteField("outcome-note", t(standing ? "correct.reason" : "decide.note"), Boolean(standing));
  const button = h("button", { type: "submit", class: standing ? null : "main" }, t(standing ? "correct.go" : "outcome.go"));
  const submit = (event) => {
    const body = { outcome: choice.value, note: note.lastChild.value };
    if (!rows.minutes.hidden && minutes.value !== "") body.minutes = Number(minutes.value);
    if (!rows.offence.hidden) body.offence_class = offence.value;
    if (!rows.confirmed.hidden) body.confirmed = confirmed.value === "true";
    for (const select of event.target.querySelectorAll("[data-perceived]")) if (select.value) body[select.dataset.perceived] = select.value;
    if (standing) body.corrects = standing.record_id;
    send(view, "outcome", body, fault, [button]);
  };
  return h("form", { class: "form", onsubmit: submit },
    h("div", { class: "pair" }, h("label", {}, t("outcome.title"), choice), rows.minutes, rows.offence, rows.confirmed),
    note,
    h("details", { id: "perceiving" }, h("summary", {}, t("perceived.title")), h("div", { class: "form pair" }, perceived)),
    h("div", { class: "actions" }, button), fault);
}
