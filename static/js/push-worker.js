// Runs when a push message arrives, also while no page is open. It shows what came, and opens it when it is clicked.
const said = (event) => { try { return event.data.json(); } catch { return {}; } };
self.addEventListener('push', (event) => {
  const { title, body, tag, lang, url } = said(event);
  if (body) event.waitUntil(self.registration.showNotification(title, { body, tag, lang, data: { url }, icon: '/static/logo.svg' }));
});
self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  const url = new URL(event.notification.data.url, self.location.origin);
  if (url.origin === self.location.origin) event.waitUntil(self.clients.openWindow(url.href));
});
