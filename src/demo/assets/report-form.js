// Shows a report form one step at a time. Without this script the whole form is shown at once.
'use strict';

const form = document.querySelector('form[data-steps]');
const steps = [...form.querySelectorAll('[data-step]')];
const progress = document.querySelector('#progress');
let current = 0;

function show(index) {
  current = index;
  steps.forEach((step, i) => { step.hidden = i !== index; });
  progress.textContent = `Step ${index + 1} of ${steps.length}`;
  if (index === steps.length - 1) summarise(document.querySelector('#answers'));
}

function goTo(index) {
  show(index);
  // A screen reader then begins with the new step, and the step's top is in view.
  window.scrollTo(0, 0);
  steps[index].querySelector('h2').focus({ preventScroll: true });
}

form.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-go]');
  if (button) goTo(current + (button.dataset.go === 'next' ? 1 : -1));
});

// "Enter" in a text field goes on to the next step; only the last one sends.
form.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.target.localName !== 'input' || current === steps.length - 1) return;
  event.preventDefault();
  goTo(current + 1);
});

function summarise(list) {
  const rows = [...form.querySelectorAll('[data-question]')].map((group) => {
    const row = document.createElement('div');
    const question = document.createElement('dt');
    const answer = document.createElement('dd');
    question.textContent = group.dataset.question;
    answer.textContent = answerOf(group) || 'Not answered';
    row.append(question, answer);
    return row;
  });
  list.replaceChildren(...rows);
}

function answerOf(group) {
  const given = [...group.querySelectorAll('input, select, textarea')].map((field) => {
    if (field.type === 'radio' || field.type === 'checkbox') {
      return field.checked ? field.labels[0].textContent.trim() : '';
    }
    if (field.localName === 'select') return field.value ? field.selectedOptions[0].textContent.trim() : '';
    if (field.type === 'date' && field.valueAsDate) {
      return field.valueAsDate.toLocaleDateString('en-GB', { dateStyle: 'long', timeZone: 'UTC' });
    }
    return field.value.trim();
  });
  return given.filter(Boolean).join(', ');
}

document.documentElement.classList.add('has-steps');
show(0);
