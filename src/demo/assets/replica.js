// The choices behind the cookie banner's "Customise Cookies". site.js keeps the answer that a button stands for.
'use strict';

{
  const open = document.querySelector('#customise-cookies');
  const panel = document.querySelector('#cookie-panel');
  const box = document.querySelector('#additional-cookies');
  const save = document.querySelector('#save-cookies');

  open?.addEventListener('click', () => {
    open.setAttribute('aria-expanded', 'true');
    document.querySelector('#cookie-question').hidden = true;
    panel.hidden = false;
    panel.querySelector('h2').focus();
  });

  box?.addEventListener('change', () => {
    save.dataset.cookieChoice = box.checked ? 'accepted' : 'rejected';
  });
}
