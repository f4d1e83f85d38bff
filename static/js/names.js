// Names after an at sign: offered, chosen with the arrows and Enter, written as a link to the member.
export const offer = (area, box, make, HX) => {
  const list = make('ul', { className: 'offer', id: `${area.id}-offer`, hidden: true, role: 'listbox', ariaLabel: box.dataset.offered });
  const told = make('span', { className: 'hide', role: 'status' });
  box.append(list, told);
  area.setAttribute('aria-autocomplete', 'list');
  let wanted = '';
  let chosen = 0;
  let wait;
  const close = () => { list.hidden = true; wanted = ''; told.textContent = ''; area.removeAttribute('aria-activedescendant'); };
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
    told.textContent = `${people.length}: ${box.dataset.offered}`;
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
  ask().catch(() => {});
};
