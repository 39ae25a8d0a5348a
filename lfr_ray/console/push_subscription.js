// Whoever wants it is told of new alerts while the console is closed, where the site has a push service.

import { attempt, h } from "./dom_elements.js";
import { t } from "./translation.js";

const PATH = "/v1/session/push";

// A button for the dialog of help; empty where there is nothing to be told by.
export function pushButton(link) {
  const place = h("div", {});
  const fault = h("p", { class: "fault", role: "alert" });
  const draw = (on, key) => place.replaceChildren(h("button", { type: "button", id: "push", "aria-pressed": String(on), onclick: () => turn(on, key) }, t(on ? "push.off" : "push.on")), h("p", { class: "small" }, t("push.how")), fault);
  const turn = (on, key) => attempt(fault, async () => {
    const { pushManager } = await navigator.serviceWorker.ready;
    if (on) {
      await link.fetch(PATH, { method: "DELETE" });
      await (await pushManager.getSubscription())?.unsubscribe();
    } else {
      await (await caches.open("console-shell")).put("/console/push.txt", new Response(t("push.title")));
      const subscription = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: key });
      await link.fetch(PATH, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(subscription) });
    }
    draw(!on, key);
  });
  if ("PushManager" in window && link.sees && !link.who.test) link.get(PATH).then(({ key, on }) => key && draw(on, key)).catch(() => {});
  return place;
}
