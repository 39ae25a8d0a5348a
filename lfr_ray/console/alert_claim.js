// Who has an alert: an officer takes it, others see it. It hinders nobody from comparing and deciding.

import { attempt, byId, h, moment, redraw, since } from "./dom_elements.js";
import { stateOf } from "./alert_list.js";
import { t } from "./translation.js";

const MAY = ["officer", "supervisor"];

// "PC1 has it since 10:02"; nothing while nobody has it.
export function claimText(alert, officer) {
  const claim = alert.claim;
  return claim ? [claim.officer === officer ? t("claim.yours") : t("claim.theirs", { officer: claim.officer }), " ", moment(claim.at)] : null;
}

export function claimBar(view) {
  const claim = view.alert.claim;
  const mine = claim?.officer === view.link.officer;
  const idle = claim !== null && since(claim.until) >= 0;
  const fault = h("p", { class: "fault", role: "alert" });
  const act = (work) => attempt(fault, async () => view.onChanged(await work()));
  const path = `/v1/alerts/${view.id}/claim`;
  const take = (takeOver) => act(() => view.link.post(path, { officer: view.link.officer, take_over: takeOver }));
  const free = !claim || idle;
  const button = (text, onclick) => h("button", { type: "button", class: "quiet small", id: "claim-act", "aria-keyshortcuts": "Alt+T", onclick }, text);
  const bar = h("div", { id: "claim", class: "claim" },
    h("p", { class: "small" }, claimText(view.alert, view.link.officer) || t("claim.nobody"), idle && !mine ? `, ${t("claim.idle")}` : ""),
    !may(view) ? null
      : mine ? button(t("claim.release"), () => act(() => view.link.post(`${path}?officer=${encodeURIComponent(view.link.officer)}`, null, "DELETE")))
        : free ? button(t("claim.take"), () => take(false))
          : view.link.who.roles.includes("supervisor") ? button(t("claim.take_over"), () => take(true)) : null,
    fault);
  if (claim && !idle) setTimeout(() => bar.isConnected && drawClaim(view), 1000 * (1 - since(claim.until)));
  return bar;
}

export function drawClaim(view) {
  redraw(byId("alert"), () => byId("claim").replaceWith(claimBar(view)));
}

function may(view) {
  return view.link.who.roles.some((role) => MAY.includes(role)) &&
    view.alert.case.state !== "concluded" && stateOf(view.alert) !== "waiting";
}
