//! The Norfolk Constabulary replica. Its pages are in `counties`.

use super::counties::{NAVIGATION, PAGES};
use super::page::{Service, Site};

const PIXEL_ID: &str = "392750186643019";

pub(super) static SITE: Site = Site {
    host: "www.norfolk.police.uk",
    name: "Norfolk Constabulary",
    service: Service::Police,
    pixel_id: PIXEL_ID,
    navigation: NAVIGATION,
    cookies: "/cookies",
    pages: PAGES,
};
