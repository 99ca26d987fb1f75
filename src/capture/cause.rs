//! What caused a request: from the script that made it, over what loaded that script, to the document. Pure.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use crate::model::{Exchange, without_fragment};

/// Longer chains are cut: no page needs them, and a hostile one could make them without end.
const LONGEST: usize = 16;

/// Fills in every exchange's `initiator_chain`.
pub fn attribute(exchanges: &mut [Exchange]) {
    // URL of a script, style sheet or document → the exchange that last fetched it, so far.
    let mut fetched: HashMap<String, usize> = HashMap::new();
    for index in 0..exchanges.len() {
        let chain = chain(exchanges, index, &fetched);
        let exchange = &mut exchanges[index];
        exchange.initiator_chain = chain;
        if matches!(
            exchange.resource_type.as_str(),
            "script" | "stylesheet" | "document" | "other"
        ) {
            fetched.insert(exchange.url.clone(), index);
        }
    }
}

fn chain(exchanges: &[Exchange], index: usize, fetched: &HashMap<String, usize>) -> Vec<String> {
    let mut chain = Vec::new();
    let mut seen = HashSet::from([index]);
    let mut at = &exchanges[index];
    while chain.len() < LONGEST {
        let initiator = at.initiator.value();
        let Some(url) = cause(&initiator) else {
            break;
        };
        let next = fetched.get(url).copied();
        if chain.last().map(String::as_str) != Some(url) {
            chain.push(url.to_owned());
        }
        match next {
            Some(next) if seen.insert(next) => at = &exchanges[next],
            _ => return chain,
        }
    }
    // Where the browser names no script, as of a page that is going away.
    if at.resource_type != "document"
        && let Some(document) = &at.document_url
        && !chain.contains(document)
    {
        chain.push(document.clone());
    }
    chain
}

/// The address of what made a request, by CDP's `Network.Initiator`: the innermost script on the stack that has one,
/// or the document or style sheet that names it.
fn cause(initiator: &Value) -> Option<&str> {
    let mut stack = initiator.get("stack");
    while let Some(frames) = stack {
        let urls = frames["callFrames"].as_array().into_iter().flatten();
        let url = urls
            .filter_map(|frame| frame["url"].as_str())
            .find(|url| url.starts_with("http"));
        if let Some(url) = url {
            return Some(without_fragment(url));
        }
        // What was begun asynchronously goes on here.
        stack = frames.get("parent");
    }
    let url = initiator["url"].as_str()?;
    url.starts_with("http").then(|| without_fragment(url))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn exchange(url: &str, kind: &str, initiator: Value) -> Exchange {
        let mut exchange = Exchange::begun("x".into(), url, "GET", "police.example");
        exchange.resource_type = kind.into();
        exchange.initiator = (&initiator).into();
        exchange.document_url = Some("https://www.police.example/report/".into());
        exchange
    }

    #[test]
    fn a_pixel_is_traced_over_the_tag_manager_to_the_page() {
        let page = "https://www.police.example/report/";
        let (manager, pixel) = (
            "https://tags.example/gtm.js",
            "https://connect.facebook.net/en_US/fbevents.js",
        );
        let script = |url: &str| json!({"type": "script", "stack": {"callFrames": [{"url": ""}, {"url": url}]}});
        let mut exchanges = [
            exchange(page, "document", json!({"type": "other"})),
            exchange(manager, "script", json!({"type": "parser", "url": page})),
            exchange(
                pixel,
                "script",
                json!({"type": "script", "stack": {"callFrames": [], "parent": {"callFrames": [{"url": manager}]}}}),
            ),
            exchange(
                "https://www.facebook.com/tr/",
                "image",
                script(&format!("{pixel}#x")),
            ),
            exchange("https://www.facebook.com/tr/?bye", "ping", json!({})),
        ];
        attribute(&mut exchanges);
        assert_eq!(exchanges[0].initiator_chain, [""; 0]);
        assert_eq!(exchanges[3].initiator_chain, [pixel, manager, page]);
        assert_eq!(
            exchanges[4].initiator_chain,
            [page],
            "a goodbye tells of no script"
        );
    }

    #[test]
    fn a_script_that_loads_itself_ends_the_chain() {
        let url = "https://a.example/loop.js";
        let itself = json!({"type": "script", "stack": {"callFrames": [{"url": url}]}});
        let mut exchanges = [
            exchange(url, "script", itself.clone()),
            exchange(url, "script", itself),
        ];
        attribute(&mut exchanges);
        assert_eq!(exchanges[1].initiator_chain, [url]);
    }
}
