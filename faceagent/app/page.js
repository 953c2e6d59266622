/* What the browser does alone: open evidence and show where it lies, copy, slide. Everything is found by delegation,
   because Gradio draws its parts anew. */
(() => {
  document.documentElement.lang = LANGUAGE;
  document.cookie = `language=${LANGUAGE}; path=/; max-age=31536000; SameSite=Strict`;
  const panel = () => document.querySelector('#evidence .sheet');
  const show = (open) => document.getElementById('beside')?.classList.toggle('open', open);
  let cameFrom = null;

  function light(id) {
    document.querySelectorAll('.spot').forEach((spot) => {
      spot.classList.toggle('lit', spot.dataset.of.split(' ').includes(id));
    });
    const lit = document.querySelector('.spot.lit');
    if (lit) lit.closest('figure').scrollIntoView({block: 'nearest'});
  }

  function open(chip) {
    const id = chip.getAttribute('href').slice(1);
    const card = document.getElementById(id);
    if (!card) return;
    cameFrom = chip;
    show(true);
    document.querySelectorAll('.card[open]').forEach((other) => { if (other !== card) other.open = false; });
    const others = card.closest('.others');
    if (others) others.open = true;
    card.open = true;
    light(id);
    card.querySelector('summary').focus({preventScroll: true});
    card.scrollIntoView({block: 'nearest'});
  }

  function close() {
    show(false);
    if (cameFrom && cameFrom.isConnected) cameFrom.focus();
    cameFrom = null;
  }

  async function copy(button) {
    const text = button.closest('.answer').querySelector('.copied').innerText;
    await navigator.clipboard.writeText(text);
    const before = button.textContent;
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = before; }, 1500);
  }

  document.addEventListener('click', (event) => {
    const chip = event.target.closest('a.chip');
    if (chip) { event.preventDefault(); open(chip); return; }
    const act = event.target.closest('[data-act]')?.dataset.act;
    if (act === 'copy') copy(event.target.closest('[data-act]'));
    if (act === 'close') close();
    if (act === 'rests') {
      cameFrom = event.target.closest('[data-act]');
      show(true);
      panel()?.focus();
    }
  });
  document.addEventListener('toggle', (event) => {
    if (event.target.matches?.('.card[open]')) light(event.target.id);
  }, true);
  document.addEventListener('input', (event) => {
    if (event.target.dataset?.act === 'slide')
      event.target.closest('.slider').querySelector('.stage').style.setProperty('--at', `${event.target.value}%`);
  });
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && document.getElementById('beside')?.classList.contains('open')) close();
  });
})();
