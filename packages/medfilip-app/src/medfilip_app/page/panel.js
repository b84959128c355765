// Runs once for each panel: `element`, `trigger` and `watch` come from Gradio.
const said = (text) => {
  const line = element.querySelector('.mf-status');
  if (line) { line.textContent = text; line.classList.toggle('mf-error', text.startsWith('⚠')); }
};

const send = async (file) => {
  const field = element.querySelector('.mf-file');
  if (!file || !field) return;
  field.value = '';
  const limit = Number(field.dataset.limit);
  if (file.size > limit) {
    said(`⚠ ${file.name}: larger than ${limit >> 20} MB`);
    return;
  }
  said(`Reading ${file.name} …`);
  let answer;
  try {
    const response = await fetch(new URL('image', document.baseURI), {
      method: 'POST', body: file, headers: { 'X-File-Name': encodeURIComponent(file.name) },
    });
    answer = await response.json();
  } catch {
    answer = { error: 'the server does not answer, or the file cannot be read' };
  }
  if (answer.error) { said(`⚠ ${file.name}: ${answer.error}`); return; }
  said(`${file.name} is open.`);
  trigger('upload', { token: answer.token });
};

const strength = () => {
  const slider = element.querySelector('.mf-opacity');
  const heat = element.querySelector('.mf-heat');
  if (!slider || !heat) return;
  if (element.dataset.strength) slider.value = element.dataset.strength;
  heat.style.opacity = slider.value / 100;
};

const narrow = () => {
  const field = element.querySelector('.mf-search');
  if (!field) return;
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const group of element.querySelectorAll('[data-group]')) {
    let here = 0;
    for (const item of group.querySelectorAll('[data-text]')) {
      item.hidden = !words.every((word) => item.dataset.text.includes(word));
      here += item.hidden ? 0 : 1;
    }
    group.hidden = here === 0;
    found += here;
  }
  element.querySelector('.mf-found').textContent = `${found} found`;
};

element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-pick]');
  if (!button) return;
  for (const other of element.querySelectorAll('[aria-pressed="true"]')) {
    other.setAttribute('aria-pressed', 'false');
  }
  if (button.hasAttribute('aria-pressed')) button.setAttribute('aria-pressed', 'true');
  trigger('select', { pick: button.dataset.pick });
});
element.addEventListener('change', (event) => {
  if (event.target.matches('.mf-file')) send(event.target.files[0]);
});
element.addEventListener('input', (event) => {
  if (event.target.matches('.mf-search')) narrow();
  if (!event.target.matches('.mf-opacity')) return;
  element.dataset.strength = event.target.value;
  strength();
});
for (const name of ['dragover', 'dragleave', 'drop']) {
  element.addEventListener(name, (event) => {
    const zone = element.querySelector('.mf-drop');
    if (!zone) return;
    event.preventDefault();
    zone.classList.toggle('mf-over', name === 'dragover');
    if (name === 'drop') send(event.dataTransfer.files[0]);
  });
}
watch('value', strength);
strength();
