// Passkeys: the browser asks the device, the form carries its answer. Without a script these forms stay hidden.

const known = 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential;
const all = (what) => document.querySelectorAll(what);

const ask = async (form) => {
  const body = new URLSearchParams({ csrf_token: form.elements.csrf_token.value });
  const answer = await fetch(form.dataset.options, { method: 'POST', body, headers: { Accept: 'application/json' } });
  if (answer.status === 403 && form.dataset.again) {
    location.assign(form.dataset.again);
    return null;
  }
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
};

const prove = async (form) => {
  const said = await ask(form);
  if (!said) return;
  const key = form.dataset.passkey === 'create'
    ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(said.options) })
    : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(said.options) });
  form.elements.ticket.value = said.ticket;
  form.elements.answer.value = JSON.stringify(key.toJSON());
  const remember = document.querySelector('input[name=remember]');
  if (remember?.checked && !form.elements.remember) {
    const also = Object.assign(document.createElement('input'), { type: 'hidden', name: 'remember', value: '1' });
    form.append(also);
  }
  form.submit();
};

if (known) {
  for (const form of all('[data-passkey]')) {
    const button = form.querySelector('button');
    const line = form.querySelector('[data-said]');
    form.hidden = false;
    form.addEventListener('submit', async (event) => {
      event.preventDefault();
      button.setAttribute('aria-busy', 'true');
      line.hidden = true;
      try {
        await prove(form);
      } catch (error) {
        line.textContent = form.dataset.failed;
        line.hidden = false;
      } finally {
        button.removeAttribute('aria-busy');
      }
    });
  }
  for (const one of all('[data-with-passkey]')) one.hidden = false;
  for (const one of all('[data-without-passkey]')) one.hidden = true;
}

for (const row of all('[data-codes]')) {
  row.hidden = false;
  const copy = row.querySelector('[data-copy]');
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText([...all('.codes code')].map((code) => code.textContent).join('\n'));
    copy.lastChild.textContent = copy.dataset.done;
  });
  row.querySelector('[data-print]').addEventListener('click', () => print());
}
