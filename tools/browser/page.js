// SPDX-License-Identifier: GPL-3.0-or-later
// A phone in a page: JsSIP over a secure WebSocket. Whoever opened the page calls `startPhone` once and `order` then; what happens is
// told by `tell`, which the opener provides, and what is heard goes to `heard` as 16-bit samples in base64.
import JsSIP from 'jssip';

const RECORDING_RATE = 16000;  // Hz
const GATHERING_MS = 300;      // for host candidates, which is all that there are

let config, stream, agent, session;

window.startPhone = async (settings) => {
  config = settings;
  stream = await microphone();
  const socket = new JsSIP.WebSocketInterface(config.server);
  agent = new JsSIP.UA({
    sockets: [traced(socket)], uri: `sip:${config.user}@${config.domain}`, password: config.password, register: true,
    register_expires: 600, session_timers: false,
  });
  for (const event of ['connected', 'disconnected', 'registered', 'unregistered', 'registrationFailed'])
    agent.on(event, (data) => tell({event, cause: data?.cause ?? data?.reason}));
  agent.on('newRTCSession', (data) => take(data.session, data.originator === 'remote'));
  agent.start();
};

window.order = async ({order, uri}) => {
  const options = {mediaStream: stream, pcConfig: {iceServers: []}, mediaConstraints: {audio: true, video: Boolean(config.video)}};
  const orders = {
    dial: () => agent.call(uri, options),
    answer: () => session.answer(options),
    hangup: () => session.terminate(),
    hold: () => untilDone(() => session.hold()),
    resume: () => untilDone(() => session.unhold()),
    transfer: () => session.refer(uri),
    stats: async () => tell({stats: await stats()}),
    restart: () => untilDone(() => session.renegotiate({rtcOfferConstraints: {iceRestart: true}})),
    stop: () => agent.stop(),
  };
  await orders[order]();
};

/// JsSIP changes nothing, and says so, while another change has not come to its end.
async function untilDone(change) {
  for (let tries = 0; tries < 100 && !change(); ++tries) await new Promise((resume) => setTimeout(resume, 50));
}

/// What the phone says: a tone, or the microphone where the browser makes its own or a person speaks.
async function microphone() {
  const wanted = {audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}, video: Boolean(config.video)};
  const real = await navigator.mediaDevices.getUserMedia(wanted);
  if (!config.tone || config.browser === 'firefox') return real;
  const context = new AudioContext();
  await context.resume();
  const oscillator = new OscillatorNode(context, {frequency: config.tone});
  const level = new GainNode(context, {gain: 0.5});
  const target = context.createMediaStreamDestination();
  oscillator.connect(level).connect(target);
  oscillator.start();
  return new MediaStream([...target.stream.getAudioTracks(), ...real.getVideoTracks()]);
}

function traced(socket) {
  const send = socket.send.bind(socket);
  socket.send = (message) => {
    tell({message, received: false});
    return send(message);
  };
  let listener;
  Object.defineProperty(socket, 'ondata', {
    get: () => (message) => {
      tell({message, received: true});
      listener(message);
    },
    set: (value) => { listener = value; },
  });
  return socket;
}

function take(taken, incoming) {
  session = taken;
  if (incoming) tell({event: 'ringing'});
  session.on('peerconnection', ({peerconnection}) => listen(peerconnection));
  if (session.connection) listen(session.connection);
  let gathering;
  session.on('icecandidate', ({ready}) => {
    clearTimeout(gathering);
    gathering = setTimeout(ready, GATHERING_MS);
  });
  session.on('confirmed', () => tell({event: 'confirmed'}));
  for (const event of ['failed', 'ended']) session.on(event, ({cause}) => tell({event, cause}));
}

function listen(connection) {
  connection.addEventListener('connectionstatechange', () => tell({event: 'connection', state: connection.connectionState}));
  connection.addEventListener('track', ({track}) => {
    const heardStream = new MediaStream([track]);
    if (track.kind === 'video') return show(heardStream);
    const audio = new Audio();  // remote audio is decoded only while somebody plays it
    audio.srcObject = heardStream;
    audio.muted = !config.aloud;
    audio.play();
    if (window.heard && config.browser !== 'firefox') record(heardStream);
  });
}

function show(heardStream) {
  const video = document.querySelector('video') ?? document.body.appendChild(document.createElement('video'));
  video.srcObject = heardStream;
  video.muted = true;
  video.play();
}

function record(heardStream) {
  const context = new AudioContext({sampleRate: RECORDING_RATE});
  const tap = context.createScriptProcessor(4096, 1, 1);
  tap.onaudioprocess = ({inputBuffer}) => {
    const samples = Int16Array.from(inputBuffer.getChannelData(0), (value) => Math.max(-1, Math.min(1, value)) * 32767);
    heard(btoa(String.fromCharCode(...new Uint8Array(samples.buffer))));
  };
  context.createMediaStreamSource(heardStream).connect(tap).connect(context.destination);
}

async function stats() {
  const found = {};
  if (!session?.connection) return found;
  for (const each of (await session.connection.getStats()).values()) {
    if (each.type === 'transport')
      Object.assign(found, {dtls: each.dtlsState, tls: each.tlsVersion, srtp: each.srtpCipher, role: each.dtlsRole});
    if (each.type === 'inbound-rtp')
      found[each.kind] = {packets: each.packetsReceived, lost: each.packetsLost, energy: each.totalAudioEnergy, frames: each.framesDecoded};
  }
  return found;
}
