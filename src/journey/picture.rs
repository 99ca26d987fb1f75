//! Pictures of what the visitor sees: after each step, and where they point at something that the last picture does not show.

use std::path::Path;
use std::time::{Duration, Instant};

use chromiumoxide::cdp::browser_protocol::page::{
    CaptureScreenshotFormat, CaptureScreenshotParams, GetLayoutMetricsParams, Viewport,
    VisualViewport,
};
use data_encoding::BASE64;

use super::{Context, Element, StepError, Tab};
use crate::model::{Area, PointedRecord};

/// A picture that takes longer is done without: the journey goes on.
const LIMIT: Duration = Duration::from_secs(2);

/// A larger picture (bytes) is taken again at half the size.
const LARGE: usize = 1 << 20;

/// A picture that is older may show another page than the visitor sees.
const FRESH: Duration = Duration::from_secs(1);

/// Of a page that has been scrolled so much is shown above and below what the visitor points at.
const AROUND: f64 = 110.0;

/// What the last picture of a tab shows.
#[derive(Debug, Default)]
pub(super) struct Pictured {
    last: Option<Last>,
    /// The document of which none could be had: it hangs, and would hold up every step in it.
    gave_none: Option<String>,
}

#[derive(Debug)]
struct Last {
    path: String,
    document: Option<String>,
    view: VisualViewport,
    taken: Instant,
}

/// Takes a picture (PNG) of what is seen in a tab. The page itself is not changed by it.
///
/// # Errors
/// If the browser gives none.
pub(super) async fn take(tab: &Tab) -> Result<Vec<u8>, StepError> {
    take_part(tab, None).await
}

/// The same, of a part of what is seen.
async fn take_part(tab: &Tab, part: Option<Viewport>) -> Result<Vec<u8>, StepError> {
    let mut params = CaptureScreenshotParams {
        format: Some(CaptureScreenshotFormat::Png),
        // The journey waits for it: a little larger, and sooner there.
        optimize_for_speed: Some(true),
        clip: part.clone(),
        ..CaptureScreenshotParams::default()
    };
    let picture = ask(tab, params.clone()).await?;
    if picture.len() <= LARGE {
        return Ok(picture);
    }
    let whole = match part {
        Some(part) => part,
        None => part_of(&seen(tab).await?, None),
    };
    params.clip = Some(Viewport {
        scale: 0.5,
        ..whole
    });
    ask(tab, params).await
}

/// An area of what is seen, or all of it, as the browser wants it: from the corner of the page.
fn part_of(seen: &VisualViewport, area: Option<&Area>) -> Viewport {
    let area = area.copied().unwrap_or(whole(seen));
    Viewport {
        x: seen.page_x + area.x,
        y: seen.page_y + area.y,
        width: area.width,
        height: area.height,
        scale: 1.0,
    }
}

fn whole(seen: &VisualViewport) -> Area {
    Area::new(0.0, 0.0, seen.client_width, seen.client_height)
}

async fn ask(tab: &Tab, params: CaptureScreenshotParams) -> Result<Vec<u8>, StepError> {
    let picture = tab.page.execute(params).await?;
    let data: &[u8] = picture.data.as_ref();
    BASE64.decode(data).map_err(|error| StepError::NoPicture {
        why: error.to_string(),
    })
}

/// The part of the page that is seen.
async fn seen(tab: &Tab) -> Result<VisualViewport, StepError> {
    let metrics = tab.page.execute(GetLayoutMetricsParams::default()).await?;
    Ok(metrics.css_visual_viewport)
}

/// Keeps a picture of what is seen after a step, and gives its path in the bundle. None: there is no tab, nothing in it yet, or
/// a page that gave none before.
///
/// # Errors
/// Why there is none.
pub async fn after_step(tab: &mut Tab, folder: &Path, step: u32) -> Result<Option<String>, String> {
    if tab.is_gone() || !tab.url().starts_with("http") {
        return Ok(None);
    }
    let before = seen_soon(tab).await;
    let taken = Instant::now();
    let path = take_and_keep(tab, folder, &format!("{step:03}.png"), None).await?;
    let after = match path {
        Some(_) => seen_soon(tab).await,
        None => None,
    };
    let document = tab.state.borrow().document.clone();
    // Of a page that was just scrolling it is not known what the picture shows.
    tab.pictured.last = match (&path, before, after) {
        (Some(path), Some(before), Some(view)) if is_same(&before, &view) => Some(Last {
            path: path.clone(),
            document,
            view,
            taken,
        }),
        _ => None,
    };
    Ok(path)
}

/// The part of the page that is seen, unless the browser does not say in time.
async fn seen_soon(tab: &Tab) -> Option<VisualViewport> {
    tokio::time::timeout(LIMIT, seen(tab)).await.ok()?.ok()
}

async fn take_and_keep(
    tab: &mut Tab,
    folder: &Path,
    name: &str,
    part: Option<Viewport>,
) -> Result<Option<String>, String> {
    let document = tab.state.borrow().document.clone();
    if document.is_some() && tab.pictured.gave_none == document {
        return Ok(None);
    }
    let why = match tokio::time::timeout(LIMIT, take_part(tab, part)).await {
        Ok(Ok(picture)) => {
            keep(folder, name, &picture).map_err(|error| error.to_string())?;
            return Ok(Some(format!("data/screenshots/{name}")));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the browser gave none within {} s", LIMIT.as_secs()),
    };
    tab.pictured.gave_none = document;
    Err(why)
}

impl Context<'_> {
    /// Before something is clicked: makes sure that there is a picture on which it is seen, and remembers where. Without one
    /// the journey goes on.
    pub(super) async fn look_where_it_points(&mut self, element: &Element) {
        let (number, folder, takes) = (self.number, self.pictures, self.takes_pictures);
        let waited = self.waited;
        let tab = self.tab();
        let (Some(view), Some(area)) = (seen_soon(tab).await, area_of(element)) else {
            return;
        };
        let document = tab.state.borrow().document.clone();
        let mut shown = whole(&view);
        let screenshot = match &tab.pictured.last {
            Some(last)
                if !waited
                    && last.document == document
                    && last.taken.elapsed() < FRESH
                    && is_same(&last.view, &view) =>
            {
                Some(last.path.clone())
            }
            _ if takes => {
                let top = (area.y - AROUND).clamp(0.0, view.client_height);
                let bottom = (area.y + area.height + AROUND).clamp(top, view.client_height);
                shown = Area::new(0.0, top, view.client_width, bottom - top);
                let part = part_of(&view, Some(&shown));
                let name = format!("{number:03}-before.png");
                let taken = take_and_keep(tab, folder, &name, Some(part)).await;
                taken.unwrap_or_default()
            }
            _ => None,
        };
        self.pointed = Some(PointedRecord {
            element: area,
            shown,
            screenshot,
        });
    }

    /// Where the element is that the visitor points at, now that it is known to rest there.
    pub(super) fn point_out(&mut self, element: &Element) {
        if let (Some(pointed), Some(area)) = (&mut self.pointed, area_of(element)) {
            pointed.element = area;
        }
    }
}

/// Where an element is on what is seen of the page.
fn area_of(element: &Element) -> Option<Area> {
    let [left, top, width, height] = element.extent?;
    Some(Area::new(element.x + left, element.y + top, width, height))
}

/// Whether the same part of the page is seen.
fn is_same(one: &VisualViewport, other: &VisualViewport) -> bool {
    let place = |view: &VisualViewport| {
        [
            view.page_x,
            view.page_y,
            view.client_width,
            view.client_height,
        ]
        .map(f64::round)
    };
    place(one) == place(other)
}

pub(super) fn keep(folder: &Path, name: &str, picture: &[u8]) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::write(folder.join(name), picture)
}
