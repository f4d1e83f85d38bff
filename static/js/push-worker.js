// Runs when a push message arrives, also while no page is open. It shows what came, and opens it when it is clicked.
self.addEventListener('push', (event) => {
  const said = event.data ? event.data.json() : {};
  if (!said.body) return;
  event.waitUntil(self.registration.showNotification(said.title, {
    body: said.body, tag: said.tag, lang: said.lang, data: { url: said.url }, icon: '/static/logo.svg',
  }));
});
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin === self.location.origin) event.waitUntil(self.clients.openWindow(url.href));
});
