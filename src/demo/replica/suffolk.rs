//! The Suffolk Constabulary replica. Its pages are in `counties`.

use super::counties::{NAVIGATION, PAGES};
use super::page::{Service, Site};

const PIXEL_ID: &str = "507316942288164";

pub(super) static SITE: Site = Site {
    host: "www.suffolk.police.uk",
    name: "Suffolk Constabulary",
    service: Service::Police,
    pixel_id: PIXEL_ID,
    navigation: NAVIGATION,
    cookies: "/cookies",
    pages: PAGES,
};
