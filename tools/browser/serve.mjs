// SPDX-License-Identifier: GPL-3.0-or-later
// Serves the page by https, for browsers give microphones to no other. node serve.mjs ADDRESS PORT CERTIFICATE KEY [NAME]
import {createServer} from 'node:https';
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';

const TYPES = {'page.html': 'text/html', 'page.bundle.js': 'text/javascript', 'person.js': 'text/javascript'};

/// Resolves when it listens.
export function serve(address, port, certificate, key) {
  const server = createServer({cert: readFileSync(certificate), key: readFileSync(key)}, (request, response) => {
    const name = new URL(request.url, 'https://page.invalid').pathname.slice(1) || 'page.html';
    const type = TYPES[name];
    response.writeHead(type ? 200 : 404, {'content-type': type ?? 'text/plain'});
    response.end(type ? readFileSync(new URL(name, import.meta.url)) : 'there is no such page\n');
  });
  return new Promise((resolve) => server.listen(port, address, () => resolve(server)));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [address, port, certificate, key] = process.argv.slice(2);
  await serve(address, Number(port), certificate, key);
  console.log(`serving https://${address}:${port}/`);
}
