/* The camera, only while it is switched on and its tab is seen. One picture at a time goes to the server; the next when
   the answer to it is here. */
const view = element.querySelector('.live');
const video = view.querySelector('video');
const canvas = document.createElement('canvas');
const marks = view.querySelector('.marks');
const lines = view.querySelector('.lines');
const told = view.querySelector('.told');
const button = view.querySelector('.switch');
const ACROSS = 640;
const PAUSE = 150; // milliseconds, or as long as the last answer took: others use the program too
let stream = null;

const say = (text) => { told.textContent = text; };

function off(text) {
  if (!stream) return;
  stream.getTracks().forEach((track) => track.stop());
  stream = null;
  video.srcObject = null;
  canvas.width = canvas.height = 0;
  marks.replaceChildren();
  lines.replaceChildren();
  view.classList.remove('on');
  button.setAttribute('aria-pressed', 'false');
  button.textContent = view.dataset.start;
  say(text ?? view.dataset.stopped);
}

async function on() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({video: {width: {ideal: 1280}, facingMode: 'user'}, audio: false});
  } catch (error) {
    stream = null;
    say(view.dataset.refused);
    return;
  }
  video.srcObject = stream;
  await video.play();
  view.classList.add('on');
  button.setAttribute('aria-pressed', 'true');
  button.textContent = view.dataset.stop;
  say(view.dataset.watching);
  watch(stream);
}

const pause = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

async function watch(mine) {
  while (stream === mine) {
    const begun = performance.now();
    if (video.videoWidth) {
      canvas.width = Math.min(ACROSS, video.videoWidth);
      canvas.height = Math.round(canvas.width * video.videoHeight / video.videoWidth);
      canvas.getContext('2d').drawImage(video, 0, 0, canvas.width, canvas.height);
      let found;
      try {
        found = await server.look(canvas.toDataURL('image/jpeg', 0.85));
      } catch (error) {
        found = {error: view.dataset.lost};
      }
      if (stream !== mine) return;
      if (found.error) { off(found.error); return; }
      draw(found.faces);
    }
    await pause(Math.max(PAUSE, performance.now() - begun));
  }
}

function part(name, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

/* The picture is shown as in a mirror, and so is what is drawn over it. */
function draw(faces) {
  const ratio = canvas.height / canvas.width;
  marks.setAttribute('viewBox', `0 0 100 ${100 * ratio}`);
  marks.replaceChildren(...faces.flatMap(({box: [x, y, w, h], pose}) => {
    const left = 100 - x - w;
    const top = y * ratio;
    const high = h * ratio;
    const frame = {x: left, y: top, width: w, height: high, rx: 1};
    return [part('rect', {...frame, class: 'under'}), part('rect', {...frame, class: 'over'}), ...nose(pose, left + w / 2, top + high / 2, w)];
  }));
  lines.replaceChildren(...faces.map(({said}, place) => {
    const item = document.createElement('li');
    const name = document.createElement('b');
    name.textContent = `${place + 1}`;
    item.append(name, ...said.map((text) => Object.assign(document.createElement('p'), {textContent: text})));
    return item;
  }));
  say(faces.length ? view.dataset.watching : view.dataset.nobody);
}

/* A line from the middle of the face to where the nose points. */
function nose(pose, x, y, size) {
  if (!pose) return [];
  const radians = Math.PI / 180;
  const to = {x1: x, y1: y, x2: x + size * Math.sin(pose.yaw * radians), y2: y - size * Math.sin(pose.pitch * radians)};
  return [part('line', {...to, class: 'under'}), part('line', {...to, class: 'over'})];
}

button.addEventListener('click', () => (stream ? off() : on()));
document.addEventListener('visibilitychange', () => { if (document.hidden) off(); });
window.addEventListener('pagehide', () => off());
new IntersectionObserver(([seen]) => { if (!seen.isIntersecting && !element.offsetParent) off(); }).observe(view);
