// The way out, and the cookie banner.
'use strict';

// Replaces this page in the tab's history, so that "back" does not lead here.
document.querySelectorAll('.quick-exit').forEach((link) => {
  link.addEventListener('click', (event) => {
    event.preventDefault();
    window.location.replace(link.href);
  });
});

document.querySelectorAll('[data-cookie-choice]').forEach((button) => {
  button.addEventListener('click', () => {
    const choice = button.dataset.cookieChoice;
    document.cookie = `cookie_choice=${choice}; path=/; max-age=31536000; SameSite=Lax; Secure`;
    document.querySelector('#cookie-banner')?.remove();
    const answer = document.querySelector('#cookie-answer');
    if (answer) {
      answer.textContent = `You have ${choice} additional cookies.`;
      answer.hidden = false;
    }
  });
});
