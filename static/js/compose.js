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
  if (form.elements.draft_version) form.elements.draft_version.value = found.version;
  tell(form, fill(state(form)?.dataset.found, { time: at(found.saved_at) }));
};
const choose = (form, other) => {
  const place = state(form);
  const button = (textContent, onclick) => make('button', { type: 'button', className: 'btn btn-s', textContent, onclick });
  const shown = make('details');
  shown.append(
    make('summary', { textContent: fill(place.dataset.other, { device: other.device || '…', time: at(other.saved_at) }) }),
    make('p', { className: 'voice pre', textContent: [other.fields.title, other.fields.body].filter(Boolean).join('\n\n') }),
  );
  place.replaceChildren(shown, button(place.dataset.take, () => take(form, other)), button(place.dataset.mine, () => keep(form, true)));
};
const here = (form) => `draft:${location.pathname}:${form.dataset.draft}`;
const keep = async (form, anyway = false) => {
  if (form.dataset.sent || (!anyway && !differs(form))) return;
  const values = typed(form);
  if (!Object.values(values).some((text) => text.trim())) return;
  const body = new URLSearchParams({ ...values, csrf_token: token(form), draft: form.dataset.draft, draft_place: form.dataset.place || location.pathname, draft_version: form.elements.draft_version?.value ?? 0, draft_anyway: anyway ? 1 : 0 });
  try {
    const answer = form.dataset.local ? { ok: false } : await fetch('/drafts', { method: 'POST', body, headers: HX });
    if (answer.status === 409) { choose(form, await answer.json()); return; }
    if (!answer.ok) throw new Error(answer.status);
    const { version, saved_at: saved } = await answer.json();
    if (form.elements.draft_version) form.elements.draft_version.value = version;
    begun.set(form, JSON.stringify(values));
    sessionStorage.removeItem(here(form));
    tell(form, fill(state(form)?.dataset.at, { time: at(saved) }));
  } catch {
    sessionStorage.setItem(here(form), JSON.stringify(values));
    tell(form, state(form)?.dataset.here);
  }
};
const bring = async (form) => {
  const local = sessionStorage.getItem(here(form));
  if (local) { put(form, JSON.parse(local)); keep(form); return; }
  if (form.dataset.local || Number(form.elements.draft_version?.value) || root.dataset.status || form.querySelector('textarea')?.value.trim()) return;
  const answer = await fetch(`/drafts/${form.dataset.draft}`, { headers: HX });
  if (answer.status !== 200 || differs(form)) return;
  take(form, await answer.json());
};

// Names after an at sign
const offer = (area, box) => {
  const list = make('ul', { className: 'offer', id: `${area.id}-offer`, hidden: true, role: 'listbox', ariaLabel: box.dataset.offered });
  box.append(list);
  let wanted = '';
  let chosen = 0;
  let wait;
  const close = () => { list.hidden = true; wanted = ''; area.removeAttribute('aria-activedescendant'); };
  const word = () => /(?:^|[\s(])@([^\s@][^@\n]{0,40})$/u.exec(area.value.slice(0, area.selectionStart))?.[1];
  const mark = () => [...list.children].forEach((item, n) => {
    item.ariaSelected = String(n === chosen);
    if (n === chosen) area.setAttribute('aria-activedescendant', item.id);
  });
  const choice = (item) => {
    const end = area.selectionStart;
    area.setRangeText(`[@${item.dataset.name}](/members/${item.dataset.id}) `, end - wanted.length - 1, end, 'end');
    area.dispatchEvent(new Event('input', { bubbles: true }));
    close();
    area.focus();
  };
  const ask = async () => {
    const q = word();
    if (!q || q.length < 2 || q.split(' ').length > 3) { close(); return; }
    const answer = await fetch(`/mentions?${new URLSearchParams({ q, board: box.dataset.board })}`, { headers: HX });
    const people = answer.ok ? await answer.json() : [];
    if (q !== word() || !people.length) { close(); return; }
    [wanted, chosen] = [q, 0];
    list.replaceChildren(...people.map(({ id, name, job }, n) => {
      const item = make('li', { id: `${list.id}-${n}`, role: 'option' });
      item.append(name, ' ', make('small', { textContent: job }));
      Object.assign(item.dataset, { id, name: name.replace(/[[\]()*_`<>]/g, ' ') });
      item.onmousedown = (event) => { event.preventDefault(); choice(item); };
      return item;
    }));
    list.hidden = false;
    mark();
  };
  area.setAttribute('aria-controls', list.id);
  area.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(ask, 180); });
  area.addEventListener('blur', close);
  area.addEventListener('keydown', (event) => {
    if (list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) chosen = (chosen + step + list.children.length) % list.children.length;
    else if (event.key === 'Enter' || event.key === 'Tab') choice(list.children[chosen]);
    else if (event.key === 'Escape') close();
    else return;
    event.preventDefault();
    mark();
  });
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

// Pictures and files: sent at once, with their progress, described by whoever sends them
const files = (area, box, form) => {
  const list = box.querySelector('[data-files]');
  const chooser = box.querySelector('input[type=file]');
  if (!list || !chooser) return;
  const send = (file) => {
    const row = make('li');
    const note = make('span', { className: 'meta', textContent: fill(box.dataset.sending, { name: file.name }) });
    const bar = make('progress', { max: 1, value: 0 });
    bar.setAttribute('aria-label', note.textContent);
    row.append(note, bar);
    list.append(row);
    list.hidden = false;
    const body = new FormData();
    body.append('csrf_token', token(form));
    body.append('file', file);
    const request = new XMLHttpRequest();
    request.open('POST', '/uploads');
    request.setRequestHeader('HX-Request', 'true');
    request.upload.onprogress = (e) => { bar.value = e.loaded / e.total; };
    request.onerror = () => { row.remove(); say(document.body.dataset.failed); };
    request.onload = () => {
      if (request.status !== 201) {
        row.remove();
        const page = parse(request.responseText);
        say(page.querySelector('.note p, [role=alert]')?.textContent.trim() || document.body.dataset.failed);
        return;
      }
      const { url, name, image, markdown } = JSON.parse(request.responseText);
      const blank = area.value && !area.value.endsWith('\n') ? '\n\n' : '';
      const written = image ? `![](${url})` : markdown;
      area.setRangeText(`${blank}${written}\n`, area.selectionEnd, area.selectionEnd, 'end');
      area.dispatchEvent(new Event('input', { bubbles: true }));
      note.textContent = fill(box.dataset.sent, { name });
      bar.remove();
      if (!image) return;
      const words = make('input', { maxLength: 300, placeholder: box.dataset.alt, ariaLabel: `${box.dataset.alt} ${name}` });
      words.oninput = () => {
        const alt = words.value.replace(/[[\]()`\\]/g, '');
        area.value = area.value.replace(new RegExp(`!\\[[^\\]]*\\]\\(${url}\\)`), () => `![${alt}](${url})`);
        area.dispatchEvent(new Event('input', { bubbles: true }));
      };
      row.prepend(Object.assign(new Image(64, 64), { src: url, alt: '' }));
      row.append(words);
      words.focus();
    };
    request.send(body);
  };
  chooser.onchange = () => { [...chooser.files].forEach(send); chooser.value = ''; };
  area.addEventListener('dragover', (event) => event.preventDefault());
  const receive = (event) => {
    const found = [...((event.clipboardData ?? event.dataTransfer)?.files ?? [])];
    if (found.length) { event.preventDefault(); found.forEach(send); }
  };
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
  let wait = differs(form) ? setTimeout(keep, PAUSE, form) : 0;
  form.addEventListener('input', () => { clearTimeout(wait); wait = setTimeout(keep, PAUSE, form); });
  form.addEventListener('click', (event) => {
    const button = event.target.closest('[data-preview], [data-keep]');
    if (!button) return;
    event.preventDefault();
    if (button.hasAttribute('data-preview')) preview(form, button);
    else { begun.set(form, ''); keep(form); }
  });
  for (const box of form.querySelectorAll('[data-write]')) {
    const area = box.querySelector('textarea');
    offer(area, box);
    tools(area, box);
    files(area, box, form);
  }
  if (state(form)) bring(form).catch(() => {});
};
