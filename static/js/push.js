// Push messages on this device: asks the browser, and tells the server whom to reach. Loaded by one page only.
const panel = document.getElementById('push');
const button = panel?.querySelector('[data-push]');
const words = panel?.dataset;
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

const post = async (path, fields) => {
  const body = new URLSearchParams({ ...fields, csrf_token: words.csrf });
  const answer = await fetch(`/account/notifications/devices${path}`, { method: 'POST', body });
  if (!answer.ok) throw new Error(words.failed);
};
const current = async (worker) => {                 // one that the server reaches no more starts afresh
  const known = await worker.pushManager.getSubscription();
  if (!known) return null;
  const body = new URLSearchParams({ endpoint: known.endpoint, csrf_token: words.csrf });
  const answer = await fetch('/account/notifications/devices/known', { method: 'POST', body });
  if (!answer.ok || (await answer.json()).known) return known;
  await known.unsubscribe();
  return null;
};
const draw = (on) => {
  button.setAttribute('aria-pressed', String(on));
  const word = button.querySelector('span');
  word.textContent = on ? word.dataset.onWord : word.dataset.offWord;
};
const allow = async (worker) => {
  if (await Notification.requestPermission() !== 'granted') throw new Error(words.refused);
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytes(words.key) });
  await post('', { endpoint: made.endpoint, p256dh: text(made.getKey('p256dh')), auth: text(made.getKey('auth')) });
};
const leave = async (known) => {
  await post('/remove', { endpoint: known.endpoint });
  await known.unsubscribe();
};

if (button && 'serviceWorker' in navigator && 'PushManager' in window) {
  panel.querySelector('[data-push-none]').hidden = true;
  button.hidden = false;
  const ready = navigator.serviceWorker.register(words.worker).then(() => navigator.serviceWorker.ready);
  ready.then(current).then((known) => draw(Boolean(known))).catch(() => {});
  button.addEventListener('click', async () => {
    button.setAttribute('aria-busy', 'true');
    try {
      const worker = await ready;
      const known = await worker.pushManager.getSubscription();
      await (known ? leave(known) : allow(worker));
      draw(!known);
    } catch (error) {
      panel.querySelector('[data-push-said]').textContent = error.message || words.failed;
    }
    button.removeAttribute('aria-busy');
  });
}
