// Where one writes: drafts, names, files, tools, preview. Loaded when somebody begins to; all of it works without, too.
const root = document.documentElement;
const PAUSE = 1200;
let say;
const clock = { hour: '2-digit', minute: '2-digit' };
const at = (text, moment = new Date(text)) => new Intl.DateTimeFormat(root.lang === 'en' ? 'en-GB' : root.lang, Date.now() - moment < 8e7 ? clock : { ...clock, day: 'numeric', month: 'short' }).format(moment);
const make = (name, values) => Object.assign(document.createElement(name), values);
const parse = (html) => new DOMParser().parseFromString(html, 'text/html');
const fill = (words, values) => Object.entries(values).reduce((text, [name, value]) => text.replace(`{${name}}`, value), words ?? '');
const fields = (form) => [...form.elements].filter((e) => e.name && !/hidden|password|file|submit|button/.test(e.type) && !/^(alt)$/.test(e.name));
const token = (form) => form.elements.csrf_token?.value ?? '';
const HX = { 'HX-Request': 'true' };

// Drafts
const sheet = (form, on, value) => Object.fromEntries(fields(form).filter((e) => !/radio|checkbox/.test(e.type) || e[on]).map((e) => [e.name, value(e)]));
const typed = (form) => sheet(form, 'checked', (e) => e.value);
const given = (form) => sheet(form, 'defaultChecked', (e) => (e.options ? ([...e.options].find((o) => o.defaultSelected) ?? e.options[0])?.value : e.defaultValue));
const begun = new WeakMap();
const differs = (form) => JSON.stringify(typed(form)) !== begun.get(form);
const put = (form, values) => {
  for (const element of fields(form)) {
    if (/radio|checkbox/.test(element.type)) element.checked = values[element.name] === element.value;
    else if (element.name in values) element.value = values[element.name];
  }
};
const state = (form) => form.querySelector('[data-saved]');
const tell = (form, words) => { const place = state(form); if (place) place.textContent = words; };
const take = (form, found) => {
  put(form, found.fields);
  begun.set(form, JSON.stringify(typed(form)));
  version(form, found.version);
  tell(form, fill(state(form)?.dataset.found, { time: at(found.saved_at) }));
};
const button = (textContent, onclick) => make('button', { type: 'button', className: 'btn btn-s', textContent, onclick });
const choose = (form, other) => {
  const place = state(form);
  const shown = make('details');
  shown.append(
    make('summary', { textContent: fill(place.dataset.other, { device: other.device || '…', time: at(other.saved_at) }) }),
    make('p', { className: 'voice pre', textContent: [other.fields.title, other.fields.body].filter(Boolean).join('\n\n') }),
  );
  place.replaceChildren(shown, button(place.dataset.take, () => take(form, other)), button(place.dataset.mine, () => keep(form, true)));
};
// The device keeps what is typed until the server has it, for the member who typed it.
const me = /member:\d+/.exec(document.body.dataset.live ?? '')?.[0];
const device = (form, value) => {
  const [chest, key] = [me ? localStorage : sessionStorage, `draft:${me}:${form.dataset.draft}`];
  try {
    if (value === undefined) return JSON.parse(chest.getItem(key));
    if (value) chest.setItem(key, JSON.stringify(value)); else chest.removeItem(key);
    return true;
  } catch { return null; }
};
const version = (form, next) => {
  const field = form.elements.draft_version;
  if (next !== undefined && field) field.value = next;
  return Number(field?.value ?? 0);
};
const store = (form, sent) => device(form, { values: typed(form), version: version(form), sent });
const away = new WeakMap();
const send = (form, path, more) => {
  away.set(form, new AbortController());
  return fetch(path, { method: 'POST', body: new URLSearchParams({ ...more, csrf_token: token(form) }), headers: HX, signal: away.get(form).signal, keepalive: document.hidden });
};
const renew = async () => {      // signed in again in another window
  const fresh = token(parse(await (await fetch(location.href)).text()).querySelector('form[data-draft]') ?? { elements: {} });
  document.querySelectorAll('[name=csrf_token]').forEach((field) => { field.value = fresh || field.value; });
};
const save = async (form, anyway) => {
  if (form.dataset.sent || (!anyway && !differs(form))) return;
  const [values, key, words] = [typed(form), form.dataset.draft, state(form)?.dataset ?? {}];
  const empty = !Object.values(values).some((text) => text.trim());
  if (empty && !version(form)) { device(form, null); return; }
  const post = () => (empty ? send(form, `/drafts/${key}/delete`) : send(form, '/drafts', { ...values, draft: key, draft_place: form.dataset.place || location.pathname, draft_version: version(form), draft_anyway: anyway ? 1 : 0 }));
  try {
    let answer = form.dataset.local ? { status: 0 } : await post();
    if (answer.status === 400) { await renew(); answer = await post(); }
    if (answer.status === 409) choose(form, await answer.json());
    else if (answer.status === 410) state(form).replaceChildren(words.gone, ' ', button(words.mine, () => keep(form, true)));
    else if (/40[01]/.test(answer.status)) tell(form, words.out);
    else if (!answer.ok) tell(form, words.here);
    else {
      const found = empty ? { version: 0 } : await answer.json();
      version(form, found.version);
      begun.set(form, JSON.stringify(values));
      if (differs(form)) store(form); else device(form, null);
      tell(form, empty ? '' : fill(words.at, { time: at(found.saved_at) }));
    }
  } catch (error) {
    if (error.name !== 'AbortError') tell(form, words.here);
  }
};
const busy = new WeakMap();
const keep = (form, anyway) => {          // one at a time: two would contradict each other
  busy.set(form, (busy.get(form) ?? Promise.resolve()).then(() => save(form, anyway)));
};
const bring = async (form) => {
  const local = device(form);
  if (root.dataset.status) return;
  if (local?.sent) device(form, null);
  else if (local) { put(form, local.values); version(form, local.version); keep(form); return; }
  if (form.dataset.local || version(form) || form.querySelector('textarea')?.value.trim()) return;
  const answer = await fetch(`/drafts/${form.dataset.draft}`, { headers: HX });
  if (answer.status === 200 && !differs(form)) take(form, await answer.json());
};

// Names after an at sign: what offers them comes with the first one
const names = (area, box) => {
  const first = async () => {
    if (!/@\S{2}/.test(area.value)) return;
    area.removeEventListener('input', first);
    const { offer } = await import(box.dataset.names);
    offer(area, box, make, HX);
  };
  area.addEventListener('input', first);
  first().catch(() => {}); // what was typed before this script had come
};

// Tools: marks around what is selected, or before its lines
const tools = (area, box) => {
  const bar = box.querySelector('[data-tools]');
  if (!bar) return;
  bar.classList.add('on');
  bar.onclick = ({ target }) => {
    const button = target.closest('button');
    if (!button) return;
    const { selectionStart: from, selectionEnd: to, value } = area;
    const inside = value.slice(from, to);
    const { mark, line } = button.dataset;
    if (line) {
      const start = value.lastIndexOf('\n', from - 1) + 1;
      area.setRangeText(value.slice(start, to).split('\n').map((row) => line + row).join('\n'), start, to, 'end');
    } else if (mark === 'link') {
      area.setRangeText(`[${inside || box.dataset.link}](https://)`, from, to, 'end');
      area.selectionStart = area.selectionEnd = area.selectionEnd - 1;
    } else {
      area.setRangeText(mark + inside + mark, from, to, 'end');
      if (!inside) area.selectionStart = area.selectionEnd = from + mark.length;
    }
    area.focus();
    area.dispatchEvent(new Event('input', { bubbles: true }));
  };
};

// Pictures and files: what sends them comes when there is one
const files = (area, box, form) => {
  const chooser = box.querySelector('input[type=file]');
  if (!chooser) return;
  const hand = async (found) => {
    const { send } = await import(box.dataset.files);
    found.forEach((file) => send(file, { area, box, form, make, fill, token, parse, say }));
  };
  chooser.onchange = () => { hand([...chooser.files]); chooser.value = ''; };
  const receive = (event) => {
    const found = [...((event.clipboardData ?? event.dataTransfer)?.files ?? [])];
    if (found.length) { event.preventDefault(); hand(found); }
  };
  area.addEventListener('dragover', (event) => event.preventDefault());
  area.addEventListener('paste', receive);
  area.addEventListener('drop', receive);
};

const preview = async (form, button) => {
  const box = form.querySelector('[data-write]');
  const shown = box.querySelector('[data-shown]');
  if (!shown.hidden) { shown.hidden = true; button.ariaPressed = 'false'; return; }
  const body = new URLSearchParams({ csrf_token: token(form), body: box.querySelector('textarea').value, board: box.dataset.board });
  const answer = await fetch('/preview', { method: 'POST', body, headers: HX });
  shown.replaceChildren(...parse(await answer.text()).body.childNodes);
  shown.hidden = false;
  button.ariaPressed = 'true';
};

export const begin = (form, toast) => {
  say = toast;
  if (begun.has(form)) return;
  begun.set(form, JSON.stringify(given(form)));
  let wait;
  let loose;
  const now = () => { clearTimeout(wait); wait = 0; keep(form); };
  const soon = () => { loose = !store(form); wait ||= setTimeout(now, PAUSE); };   // also while one goes on typing
  if (differs(form)) soon();
  form.addEventListener('input', soon);
  form.addEventListener('submit', () => { store(form, true); away.get(form)?.abort(); });
  document.addEventListener('visibilitychange', now);
  addEventListener('online', now);
  addEventListener('beforeunload', (event) => { if (loose && !form.dataset.sent && differs(form)) event.preventDefault(); });
  form.addEventListener('click', (event) => {
    const button = event.target.closest('[data-preview], [data-keep]');
    if (!button) return;
    event.preventDefault();
    if (button.hasAttribute('data-preview')) preview(form, button);
    else { begun.set(form, ''); keep(form); }
  });
  for (const box of form.querySelectorAll('[data-write]')) {
    const area = box.querySelector('textarea');
    names(area, box);
    tools(area, box);
    files(area, box, form);
  }
  if (state(form) || form.dataset.local) bring(form).catch(() => {});
};
