// Makes the console installable and says what is wrong where there is no connection. It keeps the page's own files
// and nothing else: never an alert, a picture or anything that the site answers.

const SHELL = "console-shell";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => event.waitUntil((async () => {
  const { alert_id } = event.data.json(); // that there is an alert, and nothing of it
  const title = await (await caches.open(SHELL)).match("/console/push.txt");
  await self.registration.showNotification(title ? await title.text() : "lfr", { tag: alert_id, data: alert_id, icon: "/console/icon.svg" });
})()));

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(self.clients.openWindow(`/alerts/${encodeURIComponent(event.notification.data)}`));
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const own = address.origin === self.location.origin && event.request.method === "GET";
  if (!own || !(address.pathname.startsWith("/console/") || event.request.mode === "navigate")) return;
  const key = event.request.mode === "navigate" ? "/" : event.request;
  event.respondWith((async () => {
    const cache = await caches.open(SHELL);
    try {
      const answer = await fetch(event.request);
      if (answer.ok) await cache.put(key, answer.clone());
      return answer;
    } catch (error) {
      const kept = await cache.match(key);
      if (kept) return kept;
      throw error;
    }
  })());
});
