// What there is to see of sign-in-again.js: a note is saved by fetch(), session or not.

import { fetchSignedIn } from './sign-in-again.js';

const form = document.querySelector('form');
const outcome = document.querySelector('output');

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  outcome.value = 'Saving …';
  const body = JSON.stringify({ note: form.elements.note.value });
  const answer = await fetchSignedIn('/echo/note', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { body: arrived } = answer.ok ? await answer.json() : {};
  outcome.value = answer.ok ? `Saved: ${arrived.length} bytes` : `Not saved (${answer.status})`;
});
