// A picture or a file: sent at once, with its progress, described by whoever sends it.
export const send = (file, { area, box, form, make, fill, token, parse, say }) => {
  const list = box.querySelector('.sent');
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
