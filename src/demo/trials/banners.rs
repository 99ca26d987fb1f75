//! Three consent banners: the tracker fires before an answer; only after it was accepted; and still after it was
//! rejected. Each looks as another kind of banner does.

use super::Page;

pub(super) const PAGES: &[Page] = &[
    // As OneTrust's. Fires at once, and stops when rejected.
    (
        "banner-early",
        "<h1>Fires before</h1><script>if (choice() !== 'reject') pixel('PageView');
        if (!choice()) document.write(`<div id='onetrust-consent-sdk'><div role='dialog' aria-label='Cookies'><p>We use cookies.</p>
        <button id='onetrust-accept-btn-handler'>Accept All Cookies</button> <button id='onetrust-reject-all-handler'>Reject All</button></div></div>`);
        for (const [id, answer] of [['onetrust-accept-btn-handler', 'accept'], ['onetrust-reject-all-handler', 'reject']]) {
          const button = document.getElementById(id); if (button) button.onclick = () => { choose(answer); document.getElementById('onetrust-consent-sdk').remove(); }; }
        </script>",
    ),
    // As GOV.UK's, which stays to say what was chosen. Fires only once it was accepted.
    (
        "banner-honest",
        "<h1>Fires only after consent</h1><script>if (choice() === 'accept') pixel('PageView');
        if (!choice()) document.write(`<div class='govuk-cookie-banner' role='region' aria-label='Cookies on this service'><div id='question'><p>We use some essential cookies. We'd like to set additional cookies.</p>
        <button type='button' value='yes' name='cookies[additional]'>Accept additional cookies</button> <button type='button' value='no' name='cookies[additional]'>Reject additional cookies</button> <a href='/trials/thanks/'>View cookies</a></div></div>`);
        document.querySelectorAll('.govuk-cookie-banner button').forEach((button) => button.onclick = () => { const answer = button.value === 'yes' ? 'accept' : 'reject'; choose(answer);
          if (answer === 'accept') pixel('PageView'); question.innerHTML = `<p>You have ${answer}ed additional cookies.</p><button>Hide cookie message</button>`; });
        </script>",
    ),
    // Known by its words alone; to reject takes three clicks. Fires whatever was answered.
    (
        "banner-ignored",
        "<h1>Fires whatever was said</h1><script>pixel('PageView');
        if (!choice()) document.write(`<section id='cookie-banner' aria-label='Cookies on this website'><p>We use cookies on this website.</p><button type='button' id='yes'>Accept all cookies</button> <button type='button' id='more'>Customise Cookies</button>
        <div id='panel' hidden><label><input type='checkbox' checked disabled> Essential</label> <label><input type='checkbox' id='ads' checked> Advertising</label> <button type='button' id='save'>Save and close</button></div></section>`);
        const banner = document.getElementById('cookie-banner');
        if (banner) { more.onclick = () => { panel.hidden = false; more.hidden = true; };
          yes.onclick = () => { choose('accept'); banner.remove(); }; save.onclick = () => { choose(ads.checked ? 'accept' : 'reject'); banner.remove(); }; }
        </script>",
    ),
    // Says nothing that we know it by.
    (
        "banner-odd",
        "<script>if (choice() !== 'reject') pixel('PageView'); if (!choice()) document.write(`<div id='odd'><p>Biscuits?</p><button type='button' id='nah'>Nah</button></div>`);
        const nah = document.getElementById('nah'); if (nah) nah.onclick = () => { choose('reject'); nah.parentNode.remove(); };</script>",
    ),
    ("banner-none", "<h1>No banner</h1><p>Nothing is asked here.</p>"),
    (
        "banner-stubborn",
        "<div id='cookie-wall' role='dialog' aria-label='Cookies'><p>We use cookies. There is no way round them.</p><button type='button'>Accept all cookies</button></div>",
    ),
];
