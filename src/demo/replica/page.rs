//! What a replica is made of: sites, pages and forms as plain data, and the one template that shows them.

use askama::Template;

use crate::demo::Build;

pub(super) struct Site {
    pub(super) host: &'static str,
    pub(super) name: &'static str,
    pub(super) service: Service,
    /// Made up: it has the form of a real one, and belongs to nobody that we know of.
    pub(super) pixel_id: &'static str,
    pub(super) navigation: &'static [Link],
    /// Where the cookie banner leads to.
    pub(super) cookies: &'static str,
    pub(super) pages: &'static [Page],
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    Police,
    Health,
}

pub(super) struct Page {
    /// As the page is known; the same with, or without, a slash at its end leads there.
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    /// Stands below the heading too.
    pub(super) description: &'static str,
    /// Whether someone in danger, or someone ill, may be reading: such pages offer the way out.
    pub(super) sensitive: bool,
    /// Whether the owner says that the pixel belongs here: home and careers.
    pub(super) recruits: bool,
    pub(super) body: Body,
}

pub(super) enum Body {
    Text(&'static [Part]),
    Form(&'static Form),
}

pub(super) enum Part {
    Heading(&'static str),
    Text(&'static str),
    Callout(&'static str),
    List(&'static [&'static str]),
    Cards(&'static [Link]),
    Buttons(&'static [Link]),
    /// The buttons of the cookie page.
    CookieChoice,
}

pub(super) struct Link {
    pub(super) to: &'static str,
    pub(super) text: &'static str,
    /// Stands below the link on a card.
    pub(super) about: &'static str,
}

/// A form that is shown one step at a time; a summary and the last button follow by themselves.
pub(super) struct Form {
    /// What it is called in the site's record of what was filed.
    pub(super) name: &'static str,
    /// What the last button says.
    pub(super) send: &'static str,
    pub(super) thank_you: &'static str,
    pub(super) steps: &'static [Step],
}

pub(super) struct Step {
    pub(super) heading: &'static str,
    pub(super) fields: &'static [Field],
}

pub(super) struct Field {
    pub(super) id: &'static str,
    pub(super) label: &'static str,
    pub(super) input: Input,
}

/// Value and label of each.
pub(super) type Choices = &'static [(&'static str, &'static str)];

pub(super) enum Input {
    Text,
    Email,
    Tel,
    Date,
    Textarea,
    Select(Choices),
    Radio(Choices),
    Checkbox(Choices),
}

/// A page and what differs between two visits to it: all that the template is given.
pub(super) struct Frame {
    pub(super) site: &'static Site,
    pub(super) page: &'static Page,
    /// The pixel to put on the page, if any.
    pub(super) pixel_id: Option<&'static str>,
    pub(super) ask_about_cookies: bool,
}

pub(super) static NOT_FOUND: Page = Page {
    path: "/404/",
    title: "Page not found",
    description: "The page you are looking for is not here.",
    sensitive: false,
    recruits: false,
    body: Body::Text(&[Part::Buttons(&[Link {
        to: "/",
        text: "Go to the home page",
        about: "",
    }])]),
};

impl Site {
    pub(super) fn is_police(&self) -> bool {
        self.service == Service::Police
    }
}

impl Page {
    pub(super) fn has_pixel(&self, build: Build) -> bool {
        match build {
            Build::Leaky => true,
            Build::Fixed => self.recruits,
        }
    }

    /// The other way to write its address, if there is one.
    pub(super) fn alias(&self) -> Option<String> {
        match self.path.strip_suffix('/') {
            Some("") => None,
            Some(without_slash) => Some(without_slash.to_owned()),
            None => Some(format!("{}/", self.path)),
        }
    }

    pub(super) fn form(&self) -> Option<&'static Form> {
        match self.body {
            Body::Form(form) => Some(form),
            Body::Text(_) => None,
        }
    }

    /// Where its form is sent to.
    pub(super) fn submit_path(&self) -> String {
        format!("{}/submit", self.path.trim_end_matches('/'))
    }

    pub(super) fn parts(&self) -> &'static [Part] {
        match self.body {
            Body::Text(parts) => parts,
            Body::Form(_) => &[],
        }
    }
}

impl Field {
    fn name(&self) -> String {
        self.id.replace('-', "_")
    }

    fn input_type(&self) -> &'static str {
        match self.input {
            Input::Email => "email",
            Input::Tel => "tel",
            Input::Date => "date",
            Input::Radio(_) => "radio",
            Input::Checkbox(_) => "checkbox",
            Input::Text | Input::Textarea | Input::Select(_) => "text",
        }
    }

    fn autocomplete(&self) -> &'static str {
        match self.id {
            "first-name" => "given-name",
            "last-name" => "family-name",
            "email" => "email",
            "phone" => "tel",
            "date-of-birth" => "bday",
            "postcode" => "postal-code",
            _ => "off",
        }
    }
}

impl Frame {
    pub(super) fn render(&self) -> askama::Result<String> {
        #[derive(Template)]
        #[template(path = "replica/page.html")]
        struct View<'a> {
            frame: &'a Frame,
        }
        View { frame: self }.render()
    }

    fn url(&self) -> String {
        format!("https://{}{}", self.site.host, self.page.path)
    }

    /// The home page is headed by the owner's name.
    fn heading(&self) -> &'static str {
        if self.page.path == "/" {
            self.site.name
        } else {
            self.page.title
        }
    }
}
