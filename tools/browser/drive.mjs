// SPDX-License-Identifier: GPL-3.0-or-later
// A headless browser with the phone's page. Orders are lines of JSON on standard input, what happens are lines of JSON on standard output:
// node drive.mjs '{"browser": "chromium", "page": "https://localhost:8443/", "recording": "heard.wav", …}'
import {closeSync, openSync, writeSync} from 'node:fs';
import {createInterface} from 'node:readline';
import puppeteer from 'puppeteer-core';
import {serve} from './serve.mjs';

const RATE = 16000;  // of page.js
const CHROMIUM = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--autoplay-policy=no-user-gesture-required', '--disable-features=WebRtcHideLocalIpsWithMdns',
];

const config = JSON.parse(process.argv[2]);
const tell = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

function firefoxPreferences() {
  return {
    'media.navigator.streams.fake': true,
    'media.navigator.permission.disabled': true,
    'media.navigator.audio.fake_frequency': config.tone,
    'media.peerconnection.ice.obfuscate_host_addresses': false,
    'media.autoplay.default': 0,
    'media.autoplay.blocking_policy': 0,
    'network.lna.enabled': false,
    'network.lna.blocking': false,
  };
}

function launch() {
  if (config.browser === 'firefox')
    return puppeteer.launch({
      browser: 'firefox', executablePath: '/usr/bin/firefox-esr', headless: true, acceptInsecureCerts: true,
      extraPrefsFirefox: firefoxPreferences(),
    });
  const trust = config.trusted ? {args: [...CHROMIUM, `--ignore-certificate-errors-spki-list=${config.trusted}`]}
    : {args: CHROMIUM, acceptInsecureCerts: true};
  return puppeteer.launch({executablePath: '/usr/bin/chromium', headless: true, ...trust});
}

/// A WAV file that grows; its header leaves the lengths open.
function recorder(path) {
  const header = Buffer.alloc(44);
  header.write('RIFF', 0);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(2 * RATE, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  const file = openSync(path, 'w');
  writeSync(file, header);
  return {write: (base64) => void writeSync(file, Buffer.from(base64, 'base64')), close: () => closeSync(file)};
}

/// Chromium gives up whenever an interface gets an address, which in a new network namespace happens for a second or two.
async function visit(page, attempts = 20) {
  try {
    await page.goto(config.page);
  } catch (failure) {
    if (attempts === 0 || !String(failure).includes('ERR_NETWORK_CHANGED')) throw failure;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await visit(page, attempts - 1);
  }
}

const {port} = new URL(config.page);
// Somebody else may serve the page, for persons: then it is used as one of them does, by its address and buttons.
const server = config.certificate && await serve('127.0.0.1', Number(port), config.certificate, config.key);
const browser = await launch();
const recording = recorder(config.recording);
const page = await browser.newPage();
page.on('console', (message) => tell({console: message.text()}));
page.on('pageerror', (error) => tell({error: String(error)}));
await page.exposeFunction('tell', tell);
await page.exposeFunction('heard', recording.write);
await visit(page);
if (server) await page.evaluate((settings) => window.startPhone(settings), config);
tell({event: 'started'});

const give = (order) => page.evaluate((given) => window.order(given), order);

async function press({order, uri}) {
  if (uri) await page.$eval('#uri', (input, value) => { input.value = value; }, uri);
  await page.click(`#${order}`);
}

let ending = false;
async function end() {
  if (ending) return;
  ending = true;
  await page.evaluate(() => window.order({order: 'stop'})).catch(() => {});
  await browser.close().catch(() => {});
  recording.close();
  if (server) server.close();
  process.exit(0);
}
process.on('SIGTERM', end);
for await (const line of createInterface({input: process.stdin})) {
  if (ending || !line) continue;
  const obey = server ? give : press;
  obey(JSON.parse(line)).catch((error) => tell({error: String(error)}));
}
