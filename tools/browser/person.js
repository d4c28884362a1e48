// SPDX-License-Identifier: GPL-3.0-or-later
// The page for a person with a microphone: buttons and a log. Whom it is for stands behind the hash of its address, as a form would
// write it: #user=alice&password=…&domain=example.com&server=wss://…/. A driven browser does without: it takes the page without the hash.
if (location.hash) {
  const settings = Object.fromEntries(new URLSearchParams(location.hash.slice(1)));
  const find = (id) => document.getElementById(id);
  const opener = window.tell;
  const write = (...words) => { find('log').textContent += `${words.filter(Boolean).join(': ')}\n`; };
  window.tell = (what) => {
    if (what.event) write(what.event, what.state, what.cause);
    opener?.(what);
  };
  find('user').textContent = `${settings.user}@${settings.domain}`;
  find('uri').value = settings.peer ?? '';
  for (const order of ['dial', 'answer', 'hangup'])
    find(order).onclick = () => window.order({order, uri: find('uri').value});
  window.startPhone({...settings, aloud: true}).catch((error) => write('no phone', error.message));
}
