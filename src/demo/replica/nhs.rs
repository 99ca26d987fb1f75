//! A fictional NHS trust, in place of the twenty of the story: those are not named here. All of it is invented.

use super::page::{Body, Field, Form, Input, Link, Page, Part, Service, Site, Step};

const BOOK: &str = "/appointments/book/";

const PIXEL_ID: &str = "1284096375520413";

pub(super) static SITE: Site = Site {
    host: "www.marshgate.nhs.example",
    name: "Marshgate NHS Trust",
    service: Service::Health,
    pixel_id: PIXEL_ID,
    navigation: &[
        Link {
            to: BOOK,
            text: "Appointments",
            about: "",
        },
        Link {
            to: "/services/sexual-health/",
            text: "Sexual health",
            about: "",
        },
        Link {
            to: "/services/mental-health/",
            text: "Mental health",
            about: "",
        },
        Link {
            to: "/jobs/",
            text: "Jobs",
            about: "",
        },
    ],
    cookies: "/cookies/",
    pages: PAGES,
};

static PAGES: &[Page] = &[
    Page {
        path: "/",
        title: "Home",
        description: "Our hospitals, our clinics, and how to be seen.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::Cards(&[
            Link {
                to: BOOK,
                text: "Book an appointment",
                about: "Ask for a time at one of our clinics.",
            },
            Link {
                to: "/conditions/hiv/",
                text: "HIV",
                about: "Tests, treatment and living well.",
            },
            Link {
                to: "/conditions/cancer-of-the-bowel/",
                text: "Cancer of the bowel",
                about: "Signs, tests and treatment.",
            },
            Link {
                to: "/services/sexual-health/",
                text: "Sexual health clinic",
                about: "Tests and advice in confidence.",
            },
            Link {
                to: "/services/mental-health/",
                text: "Mental health team",
                about: "Help with mood, fear and crisis.",
            },
            Link {
                to: "/jobs/",
                text: "Work with us",
                about: "Nurses, doctors, porters and more.",
            },
        ])]),
    },
    Page {
        path: "/conditions/hiv/",
        title: "HIV",
        description: "A virus that treatment keeps in check for a lifetime.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Text(
                "A test takes a few drops of blood. If treatment begins early, people live as long as others do, and do not pass it on.",
            ),
            Part::Buttons(&[Link {
                to: BOOK,
                text: "Book an HIV test",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/conditions/cancer-of-the-bowel/",
        title: "Cancer of the bowel",
        description: "Found early, it can often be cured.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::List(&[
                "Blood where there was none before.",
                "A change that has lasted three weeks.",
                "Losing weight without meaning to.",
            ]),
            Part::Buttons(&[Link {
                to: BOOK,
                text: "Ask for a bowel examination",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/services/sexual-health/",
        title: "Sexual health clinic",
        description: "Tests, treatment and contraception, in confidence.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Text(
                "You need no letter from a doctor. We do not tell your family or your practice.",
            ),
            Part::Buttons(&[Link {
                to: BOOK,
                text: "Book a sexual health appointment",
                about: "",
            }]),
        ]),
    },
    Page {
        path: "/services/mental-health/",
        title: "Mental health team",
        description: "If everything is too much, you can talk to us.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[
            Part::Callout(
                "If you might harm yourself, call 999 or come to the emergency department.",
            ),
            Part::Buttons(&[Link {
                to: BOOK,
                text: "Ask for mental health support",
                about: "",
            }]),
        ]),
    },
    Page {
        path: BOOK,
        title: "Book an appointment",
        description: "Tell us which clinic and why. We answer with a time.",
        sensitive: true,
        recruits: false,
        body: Body::Form(&APPOINTMENT),
    },
    Page {
        path: "/appointments/thank-you/",
        title: "Thank you for your request",
        description: "The clinic writes to you with a time.",
        sensitive: true,
        recruits: false,
        body: Body::Text(&[Part::Buttons(&[Link {
            to: "/",
            text: "Go to the home page",
            about: "",
        }])]),
    },
    Page {
        path: "/jobs/",
        title: "Jobs",
        description: "Look after people, with people who look after each other.",
        sensitive: false,
        recruits: true,
        body: Body::Text(&[Part::List(&["Staff nurse", "Radiographer", "Porter"])]),
    },
    Page {
        path: "/cookies/",
        title: "Cookies",
        description: "Which cookies this website sets, and your choices.",
        sensitive: false,
        recruits: false,
        body: Body::Text(&[
            Part::Text(
                "The cookie cookie_choice keeps your answer for a year. The cookies _fbp and _fbc tell whether job advertising works.",
            ),
            Part::CookieChoice,
        ]),
    },
];

static APPOINTMENT: Form = Form {
    name: "nhs-appointment",
    send: "Request appointment",
    thank_you: "/appointments/thank-you/",
    steps: &[
        Step {
            heading: "The appointment",
            fields: &[
                Field {
                    id: "clinic",
                    label: "Which clinic?",
                    input: Input::Select(&[
                        ("sexual-health", "Sexual health"),
                        ("hiv", "HIV"),
                        ("bowel-cancer", "Cancer of the bowel"),
                        ("mental-health", "Mental health"),
                    ]),
                },
                Field {
                    id: "reason",
                    label: "Why would you like to be seen?",
                    input: Input::Textarea,
                },
            ],
        },
        Step {
            heading: "About you",
            fields: &[
                Field {
                    id: "first-name",
                    label: "First name",
                    input: Input::Text,
                },
                Field {
                    id: "last-name",
                    label: "Last name",
                    input: Input::Text,
                },
                Field {
                    id: "date-of-birth",
                    label: "Date of birth",
                    input: Input::Date,
                },
                Field {
                    id: "nhs-number",
                    label: "NHS number",
                    input: Input::Text,
                },
            ],
        },
        Step {
            heading: "How we may reach you",
            fields: &[
                Field {
                    id: "email",
                    label: "Email address",
                    input: Input::Email,
                },
                Field {
                    id: "phone",
                    label: "Phone number",
                    input: Input::Tel,
                },
            ],
        },
    ],
};
