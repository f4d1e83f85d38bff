// What the pages do beyond links and forms. Everything here improves something that works without it.
// htmx (13 KB) is fetched only by pages that use it; the socket speaks Engine.IO 4 by hand (1 KB instead of 14).

const root = document.documentElement;
const words = document.body.dataset;
const ours = document.querySelector('script[data-htmx]');
const htmxUrl = ours?.dataset.htmx;
if (htmxUrl && document.querySelector('[hx-get],[hx-post],[hx-put],[hx-delete],[hx-boost]')) {
  const script = document.createElement('script');
  script.src = htmxUrl;
  script.nonce = ours.nonce;
  document.head.append(script);
}

// A short message, with a way back. Stays while the pointer or the focus is on it.
export const say = (text, undo) => {
  const box = document.querySelector('.toasts');
  const toast = document.createElement('div');
  toast.className = 'toast';
  toast.append(text);
  if (undo) {
    const back = document.createElement('button');
    back.className = 'btn btn-s';
    back.type = 'button';
    back.textContent = words.undo;
    back.onclick = () => { box.replaceChildren(); undo(); };
    toast.append(back);
  }
  box.replaceChildren(toast);
  const leave = () => (toast.matches(':hover, :focus-within') ? setTimeout(leave, 1500) : toast.remove());
  setTimeout(leave, 6000);
};

const parse = (html) => new DOMParser().parseFromString(html, 'text/html');
const number = new Intl.NumberFormat(root.lang === 'en' ? 'en-GB' : root.lang, { useGrouping: 'always' });
const read = (text) => Number(text.replace(/\D/g, ''));

// Votes and switches: drawn at once, confirmed by the server's fragment, drawn back when it did not arrive.
const draw = (button) => {
  const on = button.getAttribute('aria-pressed') !== 'true';
  button.setAttribute('aria-pressed', String(on));
  const count = button.querySelector('b, .num');
  if (count) count.textContent = number.format(Math.max(0, read(count.textContent) + (on ? 1 : -1)));
  const word = button.querySelector('[data-on-word]');
  if (word) word.textContent = on ? word.dataset.onWord : word.dataset.offWord;
  return on;
};
const sentence = (html) => parse(html).querySelector('.note p, [role=alert]')?.textContent.trim();

const cast = async (form, button) => {
  const body = new FormData(form, button);
  const on = draw(button);
  button.dataset.state = 'pending';
  form.dataset.busy = '1';
  try {
    const answer = await fetch(form.action, { method: 'POST', keepalive: true, body: new URLSearchParams(body), headers: { 'HX-Request': 'true' } });
    const html = await answer.text();
    if (!answer.ok) throw new Error(sentence(html) || words.failed);
    const fresh = parse(html).querySelector(form.id ? `#${CSS.escape(form.id)}` : 'form');
    const focused = form.contains(document.activeElement);
    if (fresh) form.replaceWith(fresh);
    const next = fresh ?? form;
    if (!fresh) { delete button.dataset.state; delete form.dataset.busy; button.value = on ? '0' : '1'; }
    if (focused) next.querySelector('button')?.focus();
    if (form.hasAttribute('data-vote')) say(on ? words.voted : words.unvoted, () => next.querySelector('button')?.click());
  } catch (error) {
    draw(button);
    button.dataset.state = 'failed';
    delete form.dataset.busy;
    say(error instanceof TypeError ? words.failed : error.message);
  }
};

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (form.matches('[data-vote], [data-toggle]')) {
    event.preventDefault();
    if (!form.dataset.busy) cast(form, event.submitter ?? form.querySelector('button'));
  } else if (form.matches('[data-theme-switch]')) {
    event.preventDefault();
    const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
    root.dataset.theme = dark ? 'light' : 'dark';
    document.cookie = `theme=${root.dataset.theme};path=/;max-age=31536000;samesite=lax`;
  } else if (form.method === 'post' && !form.hasAttribute('data-again')) {
    if (form.action.endsWith('/sign-out')) try { localStorage.clear(); } catch { /* it keeps nothing */ }
    if (form.dataset.sent) event.preventDefault();      // two clicks are one post
    form.dataset.sent = '1';
    event.submitter?.setAttribute('aria-busy', 'true');
  }
});
addEventListener('pageshow', () => document.querySelectorAll('[data-sent]').forEach((form) => {
  delete form.dataset.sent;
  form.querySelectorAll('[aria-busy]').forEach((b) => b.removeAttribute('aria-busy'));
}));

// Writing: drafts, names, files and tools come when somebody begins to write, or where a page is for writing.
const compose = document.querySelector('script[data-compose]')?.dataset.compose;
const write = (form) => import(compose).then(({ begin }) => begin(form, say)).catch(() => {});
if (compose) {
  document.addEventListener('focusin', ({ target }) => {
    const form = target.closest?.('form[data-draft]');
    if (form && !form.dataset.writing) { form.dataset.writing = '1'; write(form); }
  });
  const page = document.querySelector('form.composer[data-draft]');
  if (page) { page.dataset.writing = '1'; write(page); }
}

// A double click is one click, also when the first has been answered before the second comes.
document.addEventListener('click', (event) => {
  if (event.detail > 1 && event.target.closest('[data-vote], [data-toggle]')) event.preventDefault();
});

// Small comforts: copy a link, close a menu.
document.addEventListener('click', (event) => {
  const copy = event.target.closest('[data-copy]');
  if (copy) navigator.clipboard?.writeText(new URL(copy.dataset.copy, location.href).href).then(() => say(words.copied));
  const bar = event.target.closest('.fresh');
  if (bar) reveal(bar);
  document.querySelectorAll('details.menu[open]').forEach((menu) => menu.contains(event.target) || menu.removeAttribute('open'));
});
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const open = document.querySelector('details.menu[open]');
  if (open) { open.removeAttribute('open'); open.querySelector('summary').focus(); }
});

// Live: the server says only "this changed"; the page asks again for what it shows, through the same doors as before.
const page = async (src) => {
  const answer = await fetch(src || location.href, { headers: { 'HX-Request': src ? 'true' : 'false' } });
  if (!answer.ok) throw new Error(answer.status);
  return parse(await answer.text());
};
const title = document.title;
const count = () => {                               // the tab says how much is new, too
  const number = document.querySelector('#bell .dot')?.textContent;
  document.title = number ? `(${number}) ${title}` : title;
};
count();
const renew = async (element) => {
  if (!element.isConnected || element.dataset.busy || element.contains(document.activeElement)) return;
  const src = element.dataset.src;
  const fresh = (await page(src)).querySelector(element.id ? `#${CSS.escape(element.id)}` : `[data-on="${element.dataset.on}"]`);
  if (fresh && element.isConnected && !element.dataset.busy) element.replaceWith(document.importNode(fresh, true));
  if (element.id === 'bell') count();
};
const late = new IntersectionObserver((seen) => {   // what may come after the page, once it is in sight
  for (const { target, isIntersecting } of seen) {
    if (!isIntersecting) continue;
    late.unobserve(target);
    page(target.dataset.load).then((fresh) => target.replaceChildren(...fresh.body.childNodes)).catch(() => {});
  }
});
document.querySelectorAll('[data-load]').forEach((element) => late.observe(element));
const waiting = new Map();
const soon = (element) => {                         // bursts become one question, spread so that a crowd does not ask at once
  const key = element.dataset.src || element.id || element;
  if (waiting.has(key)) return;
  waiting.set(key, setTimeout(() => {
    waiting.delete(key);
    const now = element.isConnected ? element : document.getElementById(element.id);
    if (now) renew(now).catch(() => {});
  }, 80 + Math.random() * 320));
};
const reveal = async (bar) => {
  bar.setAttribute('aria-busy', 'true');
  try {
    const fresh = (await page()).getElementById(bar.dataset.target);
    const old = document.getElementById(bar.dataset.target);
    const known = new Set([...old.querySelectorAll('[id]')].map((e) => e.id));
    if (!fresh) throw new Error('gone');
    old.replaceWith(document.importNode(fresh, true));
    bar.hidden = true;
    bar.dataset.count = '0';
    const first = [...document.getElementById(bar.dataset.target).querySelectorAll('[id]')].find((e) => !known.has(e.id));
    if (first) { first.tabIndex = -1; first.focus({ preventScroll: true }); first.scrollIntoView({ block: 'nearest' }); }
  } catch { location.reload(); }
  bar.removeAttribute('aria-busy');
};
const hint = ({ kind, subject, id }) => {
  const on = `${kind}:${subject}`;
  for (const element of document.querySelectorAll(`[data-on~="${CSS.escape(on)}"]`)) soon(element);
  for (const bar of document.querySelectorAll(`[data-fresh~="${CSS.escape(on)}"]`)) {
    if (id && document.getElementById(`${kind}-${id}`)) continue;
    const count = Number(bar.dataset.count || 0) + 1;
    bar.dataset.count = count;
    bar.querySelector('span').textContent = count === 1 ? bar.dataset.one : bar.dataset.many.replace('{n}', number.format(count));
    bar.hidden = false;
  }
  document.dispatchEvent(new CustomEvent('portal:hint', { detail: { kind, subject, id } }));
};

// Engine.IO 4 over a websocket: 0 open, 2 ping, 3 pong, 4 message; Socket.IO inside: 0 connect, 2 event.
let socket;
let pause = 1000;
let missed = false;
const connect = () => {
  socket = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}/socket.io/?EIO=4&transport=websocket`);
  socket.onmessage = ({ data }) => {
    if (data === '2') socket.send('3');
    else if (data[0] === '0') socket.send('40');
    else if (data.startsWith('40')) {
      socket.send(`420${JSON.stringify(['look', words.live.trim().split(' ')])}`);
      pause = 1000;
      if (missed) catchUp();
    } else if (data.startsWith('430')) {
      words.looking = JSON.parse(data.slice(3))[0].length;
    } else if (data.startsWith('42')) {
      const [name, body] = JSON.parse(data.slice(2));
      if (name === 'changed') hint(body);
    }
  };
  socket.onclose = () => {
    missed = true;
    if (!document.hidden) setTimeout(connect, pause + Math.random() * 500);
    pause = Math.min(pause * 2, 60000);
  };
};
const catchUp = () => {
  missed = false;
  document.querySelectorAll('[data-on]').forEach(soon);
};
if (words.live && 'WebSocket' in window) {
  connect();
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden && socket.readyState > 1) { pause = 1000; connect(); }
  });
}
document.addEventListener('visibilitychange', () => { if (!document.hidden && missed) catchUp(); });
