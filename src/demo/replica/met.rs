//! The Metropolitan Police replica.
//!
//! Known address patterns: `/ro/report/`, `/ro/report/ocr/af/how-to-report-a-crime/`, `/ro/report/rsa/alpha-v1/…`,
//! `/advice/advice-and-information/…`, `/contact/`, and careers under `/car/careers/`. What stands in a path's place
//! of `…`, every other path, and all words are the replica's own.

use super::met_forms::{ANOTHER_CRIME, DOMESTIC_ABUSE, SEXUAL_OFFENCE};
use super::page::{Body, Link, Page, Part, Service, Site};

const PIXEL_ID: &str = "618274093515827";

pub(super) static SITE: Site = Site {
    host: "www.met.police.uk",
    name: "Metropolitan Police",
    service: Service::Police,
    pixel_id: PIXEL_ID,
    navigation: &[
        Link {
            to: "/ro/report/",
            text: "Report",
            about: "",
        },
        Link {
            to: "/advice/advice-and-information/",
            text: "Advice",
            about: "",
        },
        Link {
            to: VICTIMS,
            text: "Support",
            about: "",
        },
        Link {
            to: "/car/careers/",
            text: "Careers",
            about: "",
        },
        Link {
            to: "/contact/",
            text: "Contact",
            about: "",
        },
    ],
    cookies: "/cookies/",
    pages: PAGES,
};

const SEXUAL_OFFENCES: &str =
    "/ro/report/rsa/alpha-v1/v1/rape-sexual-assault-other-sexual-offences/";
const ANY_CRIME: &str = "/ro/report/ocr/af/how-to-report-a-crime/";
const RAPE: &str = "/advice/advice-and-information/rsa/rape-and-sexual-assault/";
const ASSAULT: &str = "/advice/advice-and-information/asthb/assault-abuse-threats/";
const STALKING: &str = "/advice/advice-and-information/sh/stalking-harassment/";
const FRAUD: &str = "/advice/advice-and-information/fa/fraud/";
const VICTIMS: &str = "/advice/advice-and-information/victim-support/";

static PAGES: &[Page] = &[
    Page {
        path: "/",
        title: "Home",
        description: "Tell us about a crime, read advice, or come and work with us.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::Cards(&[
            Link {
                to: "/ro/report/",
                text: "Report a crime",
                about: "Online, at any time of day.",
            },
            Link {
                to: "/advice/advice-and-information/",
                text: "Advice and information",
                about: "What you can do, and who can help.",
            },
            Link {
                to: VICTIMS,
                text: "Victim services",
                about: "Help for victims and witnesses.",
            },
            Link {
                to: "/car/careers/",
                text: "Careers",
                about: "Officers, staff and volunteers.",
            },
        ])]),
    },
    Page {
        path: "/ro/report/",
        title: "Report",
        description: "Choose what comes nearest to what you would like to tell us.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Callout("If someone is in danger now, do not fill in a form: call 999."),
            Part::Cards(&[
                Link {
                    to: SEXUAL_OFFENCES,
                    text: "Rape, sexual assault and other sexual offences",
                    about: "Recent or long ago.",
                },
                Link {
                    to: "/ro/report/da/alpha-v1/v1/",
                    text: "Domestic abuse",
                    about: "By a partner, a former partner or family.",
                },
                Link {
                    to: ANY_CRIME,
                    text: "Another crime",
                    about: "Theft, assault, damage and anything else.",
                },
                Link {
                    to: STALKING,
                    text: "Stalking or harassment",
                    about: "Read what you can do first.",
                },
            ]),
        ]),
    },
    Page {
        path: ANY_CRIME,
        title: "How to report a crime",
        description: "Answer what you can. You may leave any question blank.",
        sensitive: true,
        recruits: false,
        body: Body::Form(&ANOTHER_CRIME),
    },
    Page {
        path: SEXUAL_OFFENCES,
        title: "Report rape, sexual assault or another sexual offence",
        description: "You decide how much you tell us, and what happens next.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Callout(
                "If you are in danger, call 999. If you cannot speak, press 55 when you are asked.",
            ),
            Part::Heading("Before you begin"),
            Part::List(&[
                "It takes about ten minutes.",
                "You do not have to give your name.",
                "You may tell us for somebody else.",
                "Nothing reaches an officer before you have pressed the last button.",
            ]),
            Part::Buttons(&[Link {
                to: "/ro/report/rsa/alpha-v1/v1/report/",
                text: "Start",
                about: "",
            }]),
            Part::Heading("Not ready to report?"),
            Part::Buttons(&[Link {
                to: RAPE,
                text: "Read our advice",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/ro/report/rsa/alpha-v1/v1/report/",
        title: "Report a sexual offence",
        description: "Take your time. You may leave any question blank.",
        sensitive: true,
        recruits: false,
        body: Body::Form(&SEXUAL_OFFENCE),
    },
    Page {
        path: "/ro/report/da/alpha-v1/v1/",
        title: "Report domestic abuse",
        description: "It is not your fault. You choose how, and whether, we get in touch.",
        sensitive: true,
        recruits: false,
        body: Body::Form(&DOMESTIC_ABUSE),
    },
    Page {
        path: "/ro/report/thank-you/",
        title: "Thank you for your report",
        description: "We have it. This is what happens next.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "An officer reads it.",
                "If you agreed to it, we get in touch in the way you chose.",
                "You can add to it, or change your mind.",
            ]),
            Part::Buttons(&[Link {
                to: VICTIMS,
                text: "Find support",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/contact/",
        title: "Contact us",
        description: "How to reach the police, now or later.",
        sensitive: false,
        recruits: false,
        body: Body::Text(&[
            Part::Callout("In an emergency call 999. At any other time call 101."),
            Part::Cards(&[
                Link {
                    to: "tel:101",
                    text: "Call 101",
                    about: "Day and night.",
                },
                Link {
                    to: "/ro/report/",
                    text: "Report online",
                    about: "For everything that can wait an hour.",
                },
                Link {
                    to: VICTIMS,
                    text: "Victim services",
                    about: "If you would like to talk to someone else.",
                },
            ]),
        ]),
    },
    Page {
        path: "/advice/advice-and-information/",
        title: "Advice and information",
        description: "What each crime is, what you can do, and who can help.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[Part::Cards(&[
            Link {
                to: RAPE,
                text: "Rape and sexual assault",
                about: "After it has happened to you or somebody close.",
            },
            Link {
                to: ASSAULT,
                text: "Assault, abuse and threats",
                about: "If someone has hurt or threatened you.",
            },
            Link {
                to: STALKING,
                text: "Stalking and harassment",
                about: "If someone will not leave you alone.",
            },
            Link {
                to: FRAUD,
                text: "Fraud",
                about: "If someone has your money or your details.",
            },
            Link {
                to: VICTIMS,
                text: "Victim services",
                about: "Help, whether or not you report.",
            },
        ])]),
    },
    Page {
        path: RAPE,
        title: "Advice on rape and sexual assault",
        description: "What happened is never your fault. The next step is yours to choose.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Heading("Soon afterwards"),
            Part::List(&[
                "Go where you feel safe, and ask somebody you trust to come.",
                "See a doctor, even if you do not feel hurt.",
                "Keep the clothes you wore, if you can, in a paper bag.",
            ]),
            Part::Heading("Later"),
            Part::Text(
                "You can report it after days or after years. A referral centre can help you without telling us.",
            ),
            Part::Buttons(&[Link {
                to: SEXUAL_OFFENCES,
                text: "Report rape or sexual assault",
                about: "",
            }]),
        ]),
    },
    Page {
        path: ASSAULT,
        title: "Advice on assault, abuse and threats",
        description: "Nobody may hurt you, or make you fear that they will.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Have injuries looked at, and take pictures of them.",
                "Write down what was said and who was there.",
                "Keep messages, even the ones you would rather delete.",
            ]),
            Part::Buttons(&[Link {
                to: ANY_CRIME,
                text: "Report an assault",
                about: "",
            }]),
        ]),
    },
    Page {
        path: STALKING,
        title: "Advice on stalking and harassment",
        description: "If it keeps happening and it frightens you, it is serious.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Keep a diary: day, hour, place, what happened.",
                "Tell people around you.",
                "Do not answer, and keep what is sent to you.",
            ]),
            Part::Buttons(&[Link {
                to: ANY_CRIME,
                text: "Report stalking or harassment",
                about: "",
            }]),
        ]),
    },
    Page {
        path: FRAUD,
        title: "Advice on fraud",
        description: "It happens to careful people too. Act quickly.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Call your bank on the number on your card.",
                "Change your passwords, first of all that of your email.",
                "Keep every message and every receipt.",
            ]),
            Part::Buttons(&[Link {
                to: ANY_CRIME,
                text: "Report a fraud",
                about: "",
            }]),
        ]),
    },
    Page {
        path: VICTIMS,
        title: "Victim services and support",
        description: "Help for victims and witnesses, whether or not you report the crime.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Someone to talk to, in confidence.",
                "Someone who comes to court with you.",
                "Help with locks, money and a safe place to stay.",
            ]),
            Part::Buttons(&[Link {
                to: "/contact/",
                text: "Ask for victim support",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/car/careers/",
        title: "Careers",
        description: "Work that matters to the place where you live.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::Cards(&[Link {
            to: "/car/careers/met/police-officer-roles/",
            text: "Police officer roles",
            about: "Pay, training and how to apply.",
        }])]),
    },
    Page {
        path: "/car/careers/met/police-officer-roles/",
        title: "Police officer roles",
        description: "What officers do, and how to become one.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[
            Part::List(&[
                "You are 17 or older.",
                "You have lived in the United Kingdom for three years.",
                "You like people.",
            ]),
            Part::Buttons(&[Link {
                to: "/car/careers/",
                text: "See all careers",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/cookies/",
        title: "Cookies",
        description: "Which cookies this website sets, and your choices.",
        sensitive: false,
        recruits: false,
        body: Body::Text(&[
            Part::Text(
                "The cookie cookie_choice keeps your answer for a year. The cookies _fbp and _fbc tell whether recruitment advertising works.",
            ),
            Part::CookieChoice,
        ]),
    },
];
