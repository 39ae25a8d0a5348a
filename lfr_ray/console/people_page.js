// Who may use the site, as what, until when; a new token is shown once. What is done here is recorded.

import { attempt, h, moment, problemText, since, table } from "./dom_elements.js";
import { named, t } from "./translation.js";

const ROLES = ["viewer", "officer", "supervisor", "auditor", "administrator", "importer", "metrics", "events"];
const DAYS = 90;

export async function open(body, link) {
  const rows = h("tbody", {});
  const fault = h("p", { class: "fault", role: "alert", id: "people-fault" });
  const given = h("div", { id: "given", tabindex: "-1" });
  const may = link.who.roles.includes("administrator");

  async function read() {
    const found = await link.get("/v1/people");
    rows.replaceChildren(...found.people.map((known) => row(known)));
  }

  const act = (work) => attempt(fault, async () => {
    await work();
    await read();
  });

  function row(known) {
    const until = (at) => (at === null ? "–" : h("span", { class: since(at) > 0 ? "bad" : null }, moment(at, true)));
    const own = known.person === link.officer;
    return h("tr", {}, h("th", { scope: "row" }, known.person), h("td", {}, named("role", known.role)),
      h("td", {}, until(known.token_until)), h("td", {}, until(known.training_until)),
      h("td", {}, known.sessions.map((session) => h("div", {}, moment(session.since), may ? [" ", end(known.person, session)] : ""))),
      may ? h("td", {}, own ? null : h("button", { type: "button", class: "quiet small", onclick: (event) => sure(event.target, known.person) },
        t("people.revoke"), h("span", { class: "unseen" }, ` ${known.person}`))) : null);
  }

  const end = (person, session) => h("button", { type: "button", class: "quiet small", "data-session": session.id,
    onclick: () => act(() => link.fetch(`/v1/people/${encodeURIComponent(person)}/sessions/${session.id}`, { method: "DELETE" })) },
  t("people.end"), h("span", { class: "unseen" }, ` ${person}`));

  // Asks with the same button: the second press does it.
  function sure(button, person) {
    if (button.dataset.sure) return act(() => link.fetch(`/v1/people/${encodeURIComponent(person)}`, { method: "DELETE" }));
    button.dataset.sure = "yes";
    button.textContent = t("people.sure", { person });
    return undefined;
  }

  const add = h("form", { class: "search", onsubmit: () => {
    const [person, role, days] = ["person", "role", "days"].map((name) => add.querySelector(`#people-${name}`).value);
    act(async () => {
      const made = await link.post("/v1/people", { person, role, days: Number(days) });
      given.replaceChildren(h("p", {}, h("b", {}, t("people.once", { person: made.person }))), h("p", { class: "mono", id: "given-token" }, made.token));
      add.reset();
      given.focus();
    });
  } },
    h("label", {}, t("people.id"), h("input", { id: "people-person", required: true, maxlength: "64", pattern: "[A-Za-z0-9][A-Za-z0-9_.@\\-]*", autocomplete: "off" })),
    h("label", {}, t("people.role"), h("select", { id: "people-role" }, ROLES.map((role) => h("option", { value: role, selected: role === "officer" }, named("role", role))))),
    h("label", {}, t("people.days"), h("input", { id: "people-days", type: "number", min: "1", max: "366", value: DAYS, required: true })),
    h("button", { type: "submit", class: "main" }, t("people.add")));

  const heads = ["id", "role", "until", "training", "sessions", ...(may ? ["revoke"] : [])];
  body.replaceChildren(
    may ? h("section", { class: "card whole", "aria-label": t("people.new") }, h("h2", {}, t("people.new")), add, given) : "",
    h("section", { class: "card whole", "aria-label": t("page.people") }, fault, table(t("page.people"), heads.map((one) => t(`people.${one}`)), rows)));
  try {
    await read();
  } catch (error) {
    body.replaceChildren(h("p", { class: "fault", role: "alert" }, problemText(error)));
  }
}
