// The officer's own comparison, and what the machine measured, in that order.

import { caution, chance, facts, h, moment, number } from "./dom_elements.js";
import { named, t } from "./translation.js";

const FEATURES = ["face_outline", "forehead", "eyes_brows", "nose", "mouth_chin", "ears", "marks"];
const FINDINGS = ["agrees", "differs", "unclear"];
const LEAST_FINDINGS = 3;
const MOST_FACES = 1_000_000; // no fit says more than that

export const stepTitle = (step, text) => h("h3", {}, step ? h("span", { class: "number", "aria-hidden": "true" }, step) : null, text);

export function comparisonStep(view) {
  const done = h("button", { type: "button", class: "main", id: "compared", disabled: true, onclick: () => view.reveal() }, t("compare.done"));
  const count = () => { done.disabled = Object.keys(view.comparison).length < LEAST_FINDINGS; };
  const rows = FEATURES.map((name) => h("fieldset", { class: "feature" },
    h("legend", {}, t(`feature.${name}`)),
    h("div", { class: "choices" }, FINDINGS.map((finding) => h("label", {},
      h("input", {
        type: "radio", name: `feature-${name}`, id: `feature-${name}-${finding}`, value: finding, disabled: view.compared,
        checked: view.comparison[name] === finding,
        onchange: (event) => { if (event.target.checked) view.comparison[name] = finding; count(); },
      }),
      h("span", {}, t(`finding.${finding}`)))))));
  count();
  return h("section", { class: "step", "aria-label": t("compare.label") },
    stepTitle(1, t("compare.title")),
    view.compared ? null : h("p", {}, t("compare.how", { least: LEAST_FINDINGS })),
    h("div", { class: "features" }, rows),
    view.compared ? null : h("div", { class: "actions" }, done),
    h("p", { class: "fault", role: "alert", id: "compared-fault" }));
}

// What officers found by eye, side by side.
export function comparisonTable(verdicts) {
  const told = verdicts.filter((verdict) => verdict.comparison);
  if (!told.length) return null;
  const features = FEATURES.filter((name) => told.some((verdict) => name in verdict.comparison));
  return h("table", { class: "table" }, h("caption", {}, t("compare.found")),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("compare.feature")), told.map((verdict) => h("th", { scope: "col" }, verdict.officer)))),
    h("tbody", {}, features.map((name) => h("tr", {}, h("th", { scope: "row" }, t(`feature.${name}`)),
      told.map((verdict) => h("td", { class: verdict.comparison[name] || "" },
        verdict.comparison[name] ? t(`finding.${verdict.comparison[name]}`) : "–"))))));
}

export function figuresStep(view, step) {
  const alert = view.alert;
  const whole = alert.regions_visible.length > 1;
  return h("section", { class: "step", id: "figures", tabindex: "-1", "aria-label": t("figures.label") },
    stepTitle(step, t("figures.title")),
    alert.cautions.map((name) => caution(t(`caution.${name}`), t(`caution.${name}.text`),
      name === "possible_relative" && alert.relatives.length ? ` ${t("caution.entries", { entries: alert.relatives.join(", ") })}` : "")),
    facts([
      [t("figures.probability"), chance(alert.probability), t(alert.probability === null ? "figures.not_calibrated" : "figures.that_person")],
      [t("figures.stranger"), rarity(view.likelihood), 
        t(view.likelihood?.beyond_measured ? "figures.stranger_fit" : "figures.stranger_note", { size: number(alert.list_size) })],
      [t("figures.views"), t("figures.of", { some: alert.views_agreeing, all: alert.views_compared }), t("figures.views_note")],
      [t("figures.visible"), whole ? t("figures.whole") : t(`figures.half.${alert.regions_visible[0]}`), whole ? "" : t("figures.covered")],
      [t("figures.next"), alert.runner_up || "–", alert.runner_up ? t(alert.cautions.includes("small_margin") ? "figures.close" : "figures.far") : t("figures.no_other")],
    ], "figures"),
    earlier(view));
}

// How often a stranger is as near to anybody of this list.
function rarity(likelihood) {
  const faces = likelihood?.once_in_faces;
  return Number.isFinite(faces) ? t(faces < MOST_FACES ? "figures.once_in" : "figures.rarer", { faces: number(faces) }) : "–";
}

function earlier(view) {
  if (!view.earlier?.length) return null;
  return h("details", { id: "earlier" }, h("summary", {}, t("earlier.title", { count: view.earlier.length })),
    h("ul", { class: "history" }, view.earlier.map((alert) => h("li", {},
      h("a", { href: `/alerts/${alert.id}` }, moment(alert.captured_at), ` ${alert.camera}`),
      ` ${alert.decision ? named("decision", alert.decision.decision) : t("list.open")}`,
      alert.outcome ? `, ${named("outcome", alert.outcome.outcome)}` : ""))));
}
