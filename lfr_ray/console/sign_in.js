// Who is signed in: a token, or the issuer of identities. The session is a cookie that no script can read.

import { h, problemText } from "./dom_elements.js";
import { t } from "./translation.js";

// Asks until somebody is signed in; then the link knows the person.
export async function signIn(link, fault = "") {
  const who = await link.whoAmI();
  if (who.person) return who;
  return new Promise((done) => {
    const told = h("p", { class: "fault", role: "alert", id: "sign-in-fault" }, fault);
    const token = h("input", { id: "token", type: "password", required: true, autocomplete: "current-password" });
    const form = h("form", { method: "dialog", onsubmit: async () => {
      try {
        await link.signIn(token.value.trim());
      } catch (error) {
        told.textContent = error.status === 401 ? t("sign_in.invalid") : problemText(error);
        return;
      }
      dialog.close();
      dialog.remove();
      done(link.who);
    } },
      h("h2", { id: "sign-in-title" }, t("sign_in.go")),
      h("p", {}, t("sign_in.recorded")),
      h("label", {}, t("sign_in.token"), token), told,
      h("div", { class: "actions" },
        who.issuer ? h("a", { href: "/v1/session/issuer", id: "sign-in-issuer", "data-leave": true }, t("sign_in.issuer")) : null,
        h("button", { type: "submit", class: "main" }, t("sign_in.go"))));
    const dialog = h("dialog", { id: "sign-in", "aria-labelledby": "sign-in-title",
      oncancel: (event) => event.preventDefault() }, form);
    document.body.append(dialog);
    dialog.showModal();
    token.focus();
  });
}

// Who am I, and out: the button in the head.
export function drawPerson(link, button) {
  button.textContent = link.who.test ? link.officer : t("sign_in.out", { officer: link.officer });
  button.title = link.who.roles.join(", ");
  button.onclick = async () => {
    if (link.who.test) return;
    await link.signOut();
    window.location.reload();
  };
}
