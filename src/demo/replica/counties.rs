//! The pages that the replicas of Norfolk's and Suffolk's police sites share.
//!
//! Known address pattern: `/advice/assault-abuse-threats/stalking-and-harassment`. Every other path, and all words,
//! are the replica's own.

use super::page::{Body, Link, Page, Part};

pub(super) const NAVIGATION: &[Link] = &[
    Link {
        to: "/report",
        text: "Report",
        about: "",
    },
    Link {
        to: STALKING,
        text: "Stalking",
        about: "",
    },
    Link {
        to: DOMESTIC_ABUSE,
        text: "Domestic abuse",
        about: "",
    },
    Link {
        to: RAPE,
        text: "Rape and sexual assault",
        about: "",
    },
    Link {
        to: "/careers",
        text: "Careers",
        about: "",
    },
];

const STALKING: &str = "/advice/assault-abuse-threats/stalking-and-harassment";
const DOMESTIC_ABUSE: &str = "/advice/assault-abuse-threats/domestic-abuse";
const RAPE: &str = "/advice/rape-sexual-assault";

pub(super) static PAGES: &[Page] = &[
    Page {
        path: "/",
        title: "Home",
        description: "Report a crime, read advice, or join us.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::Cards(&[
            Link {
                to: "/report",
                text: "Report a crime",
                about: "How to tell us.",
            },
            Link {
                to: STALKING,
                text: "Stalking and harassment",
                about: "How to tell it, and what to do.",
            },
            Link {
                to: DOMESTIC_ABUSE,
                text: "Abuse at home",
                about: "Ways to be safe.",
            },
            Link {
                to: RAPE,
                text: "After rape or sexual assault",
                about: "Who can help.",
            },
            Link {
                to: "/careers",
                text: "Work with us",
                about: "Open roles.",
            },
        ])]),
    },
    Page {
        path: STALKING,
        title: "Stalking and harassment",
        description: "Attention that you do not want, again and again, is a crime.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Note each time: day, hour and what happened.",
                "Save messages and pictures.",
                "Let a neighbour or a friend know.",
            ]),
            Part::Buttons(&[Link {
                to: "/report",
                text: "Report stalking or harassment",
                about: "",
            }]),
        ]),
    },
    Page {
        path: DOMESTIC_ABUSE,
        title: "Domestic abuse",
        description: "Abuse at home has many forms. None of them is your fault.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Callout("In danger, and unable to speak? Call 999, then press 55."),
            Part::List(&[
                "Agree a word with a friend that means: send help.",
                "Keep papers and some money where you can reach them.",
                "Look at this page on a device that nobody checks.",
            ]),
            Part::Buttons(&[Link {
                to: "/report",
                text: "Report domestic abuse",
                about: "",
            }]),
        ]),
    },
    Page {
        path: RAPE,
        title: "Rape and sexual assault",
        description: "Whenever it happened, you can get help, with or without the police.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Get to a safe place.",
                "A referral centre can look after you, and keep traces until you decide.",
                "You may bring somebody to every conversation.",
            ]),
            Part::Buttons(&[Link {
                to: "/report",
                text: "Report rape or sexual assault",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/report",
        title: "Report a crime",
        description: "Choose a subject, or call us.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Callout("Call 999 if it is happening now."),
            Part::Cards(&[
                Link {
                    to: "tel:101",
                    text: "Call 101",
                    about: "At any hour.",
                },
                Link {
                    to: STALKING,
                    text: "Someone follows or pesters me",
                    about: "Read this first.",
                },
                Link {
                    to: DOMESTIC_ABUSE,
                    text: "Someone at home hurts me",
                    about: "Read this first.",
                },
                Link {
                    to: RAPE,
                    text: "A sexual offence",
                    about: "Read this first.",
                },
            ]),
        ]),
    },
    Page {
        path: "/careers",
        title: "Careers",
        description: "Officers, staff and volunteers: come and work with us.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::List(&[
            "Police constable",
            "Call handler",
            "Special constable",
        ])]),
    },
    Page {
        path: "/cookies",
        title: "Cookies",
        description: "Which cookies this website sets, and your choices.",
        sensitive: false,
        recruits: false,
        body: Body::Text(&[
            Part::Text(
                "The cookie cookie_choice keeps your answer for a year. The cookies _fbp and _fbc belong to advertising.",
            ),
            Part::CookieChoice,
        ]),
    },
];
