//! The pages of the police force's website: what each is called, and which template it is made of.

use askama::Template;
use serde_json::{Value, json};

use super::SITE_HOST;

/// One page. Its text stands in its template.
pub(super) struct Page {
    /// With the slash at its end.
    pub(super) path: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    /// The entry of the main navigation that it belongs to; empty for none.
    pub(super) section: &'static str,
    /// Whether someone in danger may be reading: such pages offer the way out.
    pub(super) sensitive: bool,
    schema: Schema,
    template: fn(&Frame) -> askama::Result<String>,
}

/// What a page tells search engines about itself (JSON-LD).
enum Schema {
    None,
    Organisation,
    Advice,
}

/// A page and what differs between two visits to it: all that templates are given.
pub(super) struct Frame {
    pub(super) page: &'static Page,
    /// The pixel to put on the page, if any.
    pub(super) pixel_id: Option<&'static str>,
    pub(super) ask_about_cookies: bool,
}

impl Page {
    pub(super) fn render(&self, frame: &Frame) -> askama::Result<String> {
        (self.template)(frame)
    }
}

impl Frame {
    fn url(&self) -> String {
        format!("https://{SITE_HOST}{}", self.page.path)
    }

    /// JSON-LD for a `script` element, in which `<` must not stand; empty if the page has none.
    fn json_ld(&self) -> String {
        let Page {
            title, description, ..
        } = self.page;
        let data: Value = match self.page.schema {
            Schema::None => return String::new(),
            Schema::Organisation => json!({
                "@context": "https://schema.org", "@type": "PoliceStation", "name": "Northgate Police",
                "url": self.url(), "telephone": "101", "areaServed": "Northgate",
            }),
            Schema::Advice => json!({
                "@context": "https://schema.org", "@type": "Article", "headline": title, "description": description,
                "url": self.url(), "publisher": { "@type": "GovernmentOrganization", "name": "Northgate Police" },
            }),
        };
        data.to_string().replace('<', "\\u003c")
    }
}

/// Ties the name of a template to a function that renders it.
macro_rules! template {
    ($file:literal) => {{
        #[derive(Template)]
        #[template(path = $file)]
        struct View<'a> {
            frame: &'a Frame,
        }
        |frame| View { frame }.render()
    }};
}

pub(super) static NOT_FOUND: Page = Page {
    path: "/404/",
    title: "Page not found",
    description: "The page you are looking for is not here.",
    section: "",
    sensitive: false,
    schema: Schema::None,
    template: template!("not_found.html"),
};

pub(super) static PAGES: &[Page] = &[
    Page {
        path: "/",
        title: "Home",
        description: "Report a crime, get advice and support, or join Northgate Police.",
        section: "home",
        sensitive: false,
        schema: Schema::Organisation,
        template: template!("home.html"),
    },
    Page {
        path: "/careers/",
        title: "Careers: become a police officer",
        description: "Join Northgate Police: pay, training and how to apply.",
        section: "careers",
        sensitive: false,
        schema: Schema::None,
        template: template!("careers.html"),
    },
    Page {
        path: "/contact/",
        title: "Contact us",
        description: "How to reach Northgate Police in an emergency and at any other time.",
        section: "contact",
        sensitive: false,
        schema: Schema::None,
        template: template!("contact.html"),
    },
    Page {
        path: "/victim-services/",
        title: "Victim services",
        description: "Support for victims and witnesses of crime, whether or not you report it.",
        section: "victim-services",
        sensitive: true,
        schema: Schema::None,
        template: template!("victim_services.html"),
    },
    Page {
        path: "/advice/",
        title: "Advice and information",
        description: "Advice about crime: what it is, what you can do, and who can help.",
        section: "advice",
        sensitive: true,
        schema: Schema::Advice,
        template: template!("advice/index.html"),
    },
    Page {
        path: "/advice/rape/",
        title: "Advice after rape and sexual assault",
        description: "What you can do after rape or sexual assault, who can help, and what happens if you report it.",
        section: "advice",
        sensitive: true,
        schema: Schema::Advice,
        template: template!("advice/rape.html"),
    },
    Page {
        path: "/advice/assault/",
        title: "Advice about assault",
        description: "What to do if someone has attacked, hurt or threatened you.",
        section: "advice",
        sensitive: true,
        schema: Schema::Advice,
        template: template!("advice/assault.html"),
    },
    Page {
        path: "/advice/stalking/",
        title: "Advice about stalking and harassment",
        description: "How to recognise stalking and harassment, keep a record, and get help.",
        section: "advice",
        sensitive: true,
        schema: Schema::Advice,
        template: template!("advice/stalking.html"),
    },
    Page {
        path: "/advice/fraud/",
        title: "Advice about fraud and scams",
        description: "What to do if someone has taken your money or details, and how to stop it happening again.",
        section: "advice",
        sensitive: true,
        schema: Schema::Advice,
        template: template!("advice/fraud.html"),
    },
    Page {
        path: "/report/",
        title: "Report a crime",
        description: "Choose what you would like to tell us about.",
        section: "report",
        sensitive: true,
        schema: Schema::None,
        template: template!("report/index.html"),
    },
    Page {
        path: "/report/sexual-offence/",
        title: "Report a sexual offence",
        description: "Report rape, sexual assault or another sexual offence to Northgate Police.",
        section: "report",
        sensitive: true,
        schema: Schema::None,
        template: template!("report/sexual_offence.html"),
    },
    Page {
        path: "/report/domestic-abuse/",
        title: "Report domestic abuse",
        description: "Report domestic abuse to Northgate Police, for yourself or for someone else.",
        section: "report",
        sensitive: true,
        schema: Schema::None,
        template: template!("report/domestic_abuse.html"),
    },
    Page {
        path: "/report/thank-you/",
        title: "Thank you for your report",
        description: "We have received your report. What happens next.",
        section: "report",
        sensitive: true,
        schema: Schema::None,
        template: template!("report/thank_you.html"),
    },
    Page {
        path: "/cookies/",
        title: "Cookies",
        description: "Which cookies this website uses, and your choices.",
        section: "",
        sensitive: false,
        schema: Schema::None,
        template: template!("cookies.html"),
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_ld_cannot_end_its_script_element() {
        let page = PAGES.iter().find(|page| page.path == "/advice/rape/");
        let json_ld = page.map(|page| {
            Frame {
                page,
                pixel_id: None,
                ask_about_cookies: false,
            }
            .json_ld()
        });
        let json_ld = json_ld.unwrap_or_default();
        assert!(
            json_ld.contains("\"headline\":\"Advice after rape and sexual assault\""),
            "{json_ld}"
        );
        assert!(!json_ld.contains('<'));
    }
}
