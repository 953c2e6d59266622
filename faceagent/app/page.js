/* What the browser does alone: open evidence and show where it lies, copy, slide. Everything is found by delegation,
   because Gradio draws its parts anew. */
(() => {
  document.documentElement.lang = LANGUAGE;
  document.cookie = `language=${LANGUAGE}; path=/; max-age=31536000; SameSite=Strict`;
  const panel = () => document.querySelector('#evidence .sheet');
  const show = (open, one = false) => {
    document.getElementById('beside')?.classList.toggle('open', open);
    document.getElementById('beside')?.classList.toggle('one', open && one);
  };
  let cameFrom = null;

  function light(id) {
    document.querySelectorAll('.spot').forEach((spot) => {
      spot.classList.toggle('lit', spot.dataset.of.split(' ').includes(id));
    });
    const lit = document.querySelector('.spot.lit');
    if (lit && matchMedia('(max-width: 56rem)').matches) lit.closest('figure').scrollIntoView({block: 'nearest'});
  }

  /* Scroll the panel, and not the page, until a card stands under the photos that stay at its top. */
  function reach(card) {
    const beside = document.getElementById('beside');
    const photos = beside.querySelector('.photos');
    const kept = getComputedStyle(photos).position === 'sticky' ? photos.offsetHeight : 0;
    const past = (edge) => card.getBoundingClientRect()[edge] - beside.getBoundingClientRect()[edge];
    if (past('bottom') > 0 || past('top') < kept) beside.scrollTop += past('top') - kept;
  }

  function open(chip) {
    const id = chip.getAttribute('href').slice(1);
    const card = document.getElementById(id);
    if (!card) return;
    cameFrom = chip;
    show(true, true);
    document.querySelectorAll('.card[open]').forEach((other) => { if (other !== card) other.open = false; });
    document.querySelectorAll('.others').forEach((others) => { others.open = others.contains(card); });
    card.open = true;
    card.querySelector('summary').focus({preventScroll: true});
    // On a phone the card stands right under the photo, which is what should be seen first.
    if (!matchMedia('(max-width: 56rem)').matches) reach(card);
    light(id);
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
