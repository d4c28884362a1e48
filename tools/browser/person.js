// SPDX-License-Identifier: GPL-3.0-or-later
// The page for a person with a microphone: buttons and a log. A driven browser does without: it takes the page without the hash.
if (location.hash) {
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const find = (id) => document.getElementById(id);
  window.tell = ({event, cause, state}) => {
    if (event) find('log').textContent += `${[event, state, cause].filter(Boolean).join(': ')}\n`;
  };
  find('user').textContent = `${settings.user}@${settings.domain}`;
  find('uri').value = settings.peer ?? '';
  for (const order of ['dial', 'answer', 'hangup'])
    find(order).onclick = () => window.order({order, uri: find('uri').value});
  window.startPhone({...settings, aloud: true});
}
