// Who is signed in: a token, or the issuer of identities. The session is a cookie that no script can read.

import { h, problemText } from "./elements.js";

// Asks until somebody is signed in; then the link knows the person.
export async function signIn(link, fault = "") {
  const who = await link.whoAmI();
  if (who.person) return who;
  return new Promise((done) => {
    const told = h("p", { class: "fault", role: "alert", id: "sign-in-fault" }, fault);
    const token = h("input", { id: "token", type: "password", required: true, autocomplete: "current-password" });
    const form = h("form", { method: "dialog", onsubmit: async (event) => {
      event.preventDefault();
      try {
        await link.signIn(token.value.trim());
      } catch (error) {
        told.textContent = error.status === 401 ? "This token is not valid, or its time is over." : problemText(error);
        return;
      }
      dialog.close();
      dialog.remove();
      done(link.who);
    } },
      h("h2", { id: "sign-in-title" }, "Sign in"),
      h("p", {}, "Your id is recorded with everything that you look at and decide."),
      h("label", {}, "Your personal token", token), told,
      h("div", { class: "actions" },
        who.issuer ? h("a", { href: "/v1/session/issuer", id: "sign-in-issuer" }, "Sign in with your account") : null,
        h("button", { type: "submit", class: "main" }, "Sign in")));
    const dialog = h("dialog", { id: "sign-in", "aria-labelledby": "sign-in-title",
      oncancel: (event) => event.preventDefault() }, form);
    document.body.append(dialog);
    dialog.showModal();
    token.focus();
  });
}

// Who am I, and out: the button in the bar.
export function drawPerson(link, button) {
  button.textContent = link.who.test ? link.officer : `${link.officer} · sign out`;
  button.title = link.who.roles.join(", ");
  button.onclick = async () => {
    if (link.who.test) return;
    await link.signOut();
    location.reload();
  };
}
