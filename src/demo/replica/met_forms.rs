//! The Metropolitan Police replica's forms. Questions and words are the replica's own.

use super::page::{Choices, Field, Form, Input, Step};

const THANK_YOU: &str = "/ro/report/thank-you/";
const YES_NO_UNSURE: Choices = &[("yes", "Yes"), ("no", "No"), ("not-sure", "I am not sure")];

pub(super) static SEXUAL_OFFENCE: Form = Form {
    name: "met-sexual-offence",
    send: "Send report",
    thank_you: THANK_YOU,
    steps: &[
        Step {
            heading: "About this report",
            fields: REPORTING_FOR,
        },
        Step {
            heading: "What happened",
            fields: &[
                Field {
                    id: "offence-type",
                    label: "What kind of offence was it?",
                    input: Input::Select(&[
                        ("rape", "Rape"),
                        ("sexual-assault", "Sexual assault"),
                        ("exposure", "Indecent exposure"),
                        ("images", "Intimate images shared without consent"),
                        ("not-sure", "I am not sure"),
                    ]),
                },
                Field {
                    id: "incident-date",
                    label: "When did it happen?",
                    input: Input::Date,
                },
                Field {
                    id: "location",
                    label: "Where did it happen?",
                    input: Input::Text,
                },
                WHAT_HAPPENED,
            ],
        },
        Step {
            heading: "Your details",
            fields: YOUR_DETAILS,
        },
        Step {
            heading: "How we may reach you",
            fields: REACH_YOU,
        },
    ],
};

pub(super) static DOMESTIC_ABUSE: Form = Form {
    name: "met-domestic-abuse",
    send: "Send report",
    thank_you: THANK_YOU,
    steps: &[
        Step {
            heading: "Are you safe?",
            fields: &[
                Field {
                    id: "is-safe-now",
                    label: "Is everyone safe at this moment?",
                    input: Input::Radio(YES_NO_UNSURE),
                },
                Field {
                    id: "reporting-for",
                    label: "Who are you reporting for?",
                    input: Input::Radio(&[
                        ("myself", "Myself"),
                        ("someone-else", "Someone I know"),
                        ("work", "Someone I work with or care for"),
                    ]),
                },
            ],
        },
        Step {
            heading: "The person who does this",
            fields: &[
                Field {
                    id: "relationship",
                    label: "Who are they to you?",
                    input: Input::Select(&[
                        ("partner", "Partner, husband or wife"),
                        ("former-partner", "Former partner"),
                        ("parent", "Parent"),
                        ("child", "Son or daughter"),
                        ("other-relative", "Another relative"),
                    ]),
                },
                Field {
                    id: "living-together",
                    label: "Do you live in the same home?",
                    input: Input::Radio(&[("yes", "Yes"), ("no", "No"), ("at-times", "At times")]),
                },
            ],
        },
        Step {
            heading: "What has happened",
            fields: &[
                Field {
                    id: "abuse-type",
                    label: "Has any of this happened?",
                    input: Input::Checkbox(&[
                        ("violence", "Hitting, pushing or other violence"),
                        ("threats", "Threats"),
                        (
                            "control",
                            "Being watched, controlled or cut off from others",
                        ),
                        ("money", "Money taken or kept from you"),
                        ("sexual", "Sexual pressure or violence"),
                    ]),
                },
                Field {
                    id: "incident-date",
                    label: "When did it last happen?",
                    input: Input::Date,
                },
                WHAT_HAPPENED,
            ],
        },
        Step {
            heading: "Your details",
            fields: YOUR_DETAILS,
        },
        Step {
            heading: "How we may reach you safely",
            fields: &[
                Field {
                    id: "safe-to-contact",
                    label: "Is it safe for us to get in touch?",
                    input: Input::Radio(&[
                        ("yes", "Yes"),
                        ("at-times", "Only at certain times"),
                        ("no", "No, I will get in touch with you"),
                    ]),
                },
                Field {
                    id: "safe-times",
                    label: "When is it safe?",
                    input: Input::Text,
                },
            ],
        },
    ],
};

pub(super) static ANOTHER_CRIME: Form = Form {
    name: "met-another-crime",
    send: "Send report",
    thank_you: THANK_YOU,
    steps: &[
        Step {
            heading: "The crime",
            fields: &[
                Field {
                    id: "crime-type",
                    label: "What would you like to report?",
                    input: Input::Select(&[
                        ("assault", "Assault"),
                        ("threats", "Threats"),
                        ("stalking", "Stalking or harassment"),
                        ("hate-crime", "Hate crime"),
                        ("theft", "Theft or robbery"),
                        ("burglary", "Burglary"),
                        ("damage", "Criminal damage"),
                        ("other", "Something else"),
                    ]),
                },
                Field {
                    id: "in-progress",
                    label: "Is it happening now?",
                    input: Input::Radio(YES_NO_UNSURE),
                },
            ],
        },
        Step {
            heading: "What happened",
            fields: &[
                Field {
                    id: "incident-date",
                    label: "When did it happen?",
                    input: Input::Date,
                },
                Field {
                    id: "location",
                    label: "Where did it happen?",
                    input: Input::Text,
                },
                WHAT_HAPPENED,
                Field {
                    id: "suspect",
                    label: "Do you know who did it?",
                    input: Input::Textarea,
                },
            ],
        },
        Step {
            heading: "Your details",
            fields: YOUR_DETAILS,
        },
        Step {
            heading: "How we may reach you",
            fields: REACH_YOU,
        },
    ],
};

const REPORTING_FOR: &[Field] = &[Field {
    id: "reporting-for",
    label: "Who are you reporting for?",
    input: Input::Radio(&[
        ("myself", "Myself"),
        ("someone-else", "Someone else"),
        ("witness", "I saw or heard of it"),
    ]),
}];

const WHAT_HAPPENED: Field = Field {
    id: "what-happened",
    label: "Tell us in your own words",
    input: Input::Textarea,
};

const YOUR_DETAILS: &[Field] = &[
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
        id: "email",
        label: "Email address",
        input: Input::Email,
    },
    Field {
        id: "phone",
        label: "Phone number",
        input: Input::Tel,
    },
    Field {
        id: "postcode",
        label: "Postcode",
        input: Input::Text,
    },
];

const REACH_YOU: &[Field] = &[
    Field {
        id: "contact-preference",
        label: "How would you like us to get in touch?",
        input: Input::Radio(&[
            ("email", "By email"),
            ("phone", "By phone"),
            ("none", "Please do not get in touch"),
        ]),
    },
    Field {
        id: "consent-to-contact",
        label: "Agreement",
        input: Input::Checkbox(&[("yes", "I agree that an officer may get in touch")]),
    },
];
