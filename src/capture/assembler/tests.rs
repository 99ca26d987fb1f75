//! Journals written from what the browser was measured to say, one for each trap.

use super::*;
use serde_json::json;

/// Feeds events `(milliseconds, session, method, params)` and gives the exchanges.
fn assemble(events: &[(i64, &str, serde_json::Value)]) -> Vec<Exchange> {
    let mut assembler = Assembler::new("police.example");
    for (at, method, params) in events {
        let at = Moment::from_millis(*at);
        let cdp = match *method {
            "mark" => json!({"at": at, "mark": params}),
            method => {
                let session = (!method.starts_with("Fetch")).then_some("S1");
                json!({"at": at, "cdp": {"method": method, "params": params, "sessionId": session}})
            }
        };
        assembler.line(&cdp.to_string()).unwrap();
    }
    assert_eq!(assembler.unreadable(), Vec::<String>::new());
    assembler.finish()
}

fn will_be_sent(id: &str, url: &str, method: &str) -> serde_json::Value {
    json!({"requestId": id, "request": {"url": url, "method": method, "headers": {"A": "early"}},
           "wallTime": 1_690_000_000.5, "type": "Image", "frameId": "F1",
           "initiator": {"type": "script"}})
}

fn paused(fetch: &str, network: Option<&str>, url: &str, body: Option<&[u8]>) -> serde_json::Value {
    let entries = body.map(|body| json!([{"bytes": data_encoding::BASE64.encode(body)}]));
    json!({"requestId": fetch, "networkId": network, "frameId": "F1", "resourceType": "Ping",
           "request": {"url": url, "method": if body.is_some() { "POST" } else { "GET" },
                       "headers": {}, "hasPostData": body.is_some(), "postDataEntries": entries}})
}

fn extra(id: &str, cookie: &str, blocked: &[&str]) -> serde_json::Value {
    json!({"requestId": id, "headers": {"cookie": format!("{cookie}=1")},
           "associatedCookies": [{"cookie": {"name": cookie, "value": "1"}, "blockedReasons": blocked}]})
}

#[test]
fn extra_info_may_come_before_its_request() {
    let exchanges = assemble(&[
        (
            1,
            "Network.requestWillBeSentExtraInfo",
            extra("1.1", "c_user", &[]),
        ),
        (
            2,
            "Network.requestWillBeSent",
            will_be_sent("1.1", "https://www.facebook.com/tr/?a#f", "GET"),
        ),
        (
            3,
            "Fetch.requestPaused",
            paused("i1", Some("1.1"), "https://www.facebook.com/tr/?a", None),
        ),
        (4, "Network.loadingFinished", json!({"requestId": "1.1"})),
    ]);
    assert_eq!(exchanges.len(), 1, "two domains told of one request");
    let exchange = &exchanges[0];
    assert_eq!(exchange.url, "https://www.facebook.com/tr/?a");
    assert_eq!(exchange.sources, [Source::Network, Source::Fetch]);
    assert_eq!(exchange.cookies[0].name, "c_user");
    assert!(exchange.cookies[0].sent);
    assert_eq!(
        *exchange.request_headers,
        [("cookie".to_owned(), "c_user=1".to_owned())]
    );
    assert_eq!(exchange.outcome, Outcome::Completed);
    assert_eq!(exchange.time, Some(Moment::from_millis(1_690_000_000_500)));
}

#[test]
fn the_hops_of_a_redirect_share_an_id_and_stay_apart() {
    let mut second = will_be_sent("1.1", "https://www.facebook.com/b", "GET");
    second["redirectResponse"] = json!({"status": 302, "headers": {"Location": "/b"},
        "remoteIPAddress": "[::1]", "remotePort": 443});
    second["redirectHasExtraInfo"] = json!(true);
    let exchanges = assemble(&[
        (
            1,
            "Fetch.requestPaused",
            paused("i1.0", Some("1.1"), "https://a.example/a", None),
        ),
        (
            1,
            "Network.requestWillBeSent",
            will_be_sent("1.1", "https://a.example/a", "GET"),
        ),
        (
            2,
            "Fetch.requestPaused",
            paused("i1.1", Some("1.1"), "https://www.facebook.com/b", None),
        ),
        (3, "Network.requestWillBeSent", second),
        (
            4,
            "Network.requestWillBeSentExtraInfo",
            extra("1.1", "first", &[]),
        ),
        (
            5,
            "Network.requestWillBeSentExtraInfo",
            extra("1.1", "second", &["SameSiteLax"]),
        ),
        (
            6,
            "Network.responseReceived",
            json!({"requestId": "1.1", "hasExtraInfo": true,
            "response": {"status": 200, "headers": {"x": "1\n2"}}}),
        ),
        (7, "Network.loadingFinished", json!({"requestId": "1.1"})),
    ]);
    assert_eq!(exchanges.len(), 2);
    assert_eq!(
        (exchanges[0].status, exchanges[1].status),
        (Some(302), Some(200))
    );
    assert_eq!(exchanges[1].redirected_from.as_deref(), Some("x0001"));
    assert_eq!(exchanges[0].redirected_from, None);
    assert_eq!(exchanges[0].remote.as_ref().unwrap().ip, "::1");
    assert_eq!(exchanges[0].cookies[0].name, "first");
    assert_eq!(
        exchanges[1].cookies[0].withheld.as_deref(),
        Some("SameSiteLax")
    );
    assert_eq!(exchanges[1].recipient.as_deref(), Some("Meta"));
    assert_eq!(
        *exchanges[1].response_headers,
        [("x".into(), "1".into()), ("x".into(), "2".into())]
    );
}

#[test]
fn a_goodbye_beacon_is_never_taken_for_the_next_pages_request() {
    let url = "https://www.facebook.com/tr/";
    let mut later = will_be_sent("2.1", url, "POST");
    later["request"]["hasPostData"] = json!(true);
    later["request"]["postDataEntries"] = json!([{"bytes": "Yg=="}]);
    let exchanges = assemble(&[
        (
            1,
            "Fetch.requestPaused",
            paused("i1", None, url, Some(b"a")),
        ),
        (2, "Network.requestWillBeSent", later),
        (
            3,
            "Fetch.requestPaused",
            paused("i2", Some("2.1"), url, Some(b"b")),
        ),
        // The same bytes again, long after: another request.
        (9000, "Network.requestWillBeSent", {
            let mut again = will_be_sent("3.1", url, "POST");
            again["request"]["hasPostData"] = json!(true);
            again["request"]["postDataEntries"] = json!([{"bytes": "YQ=="}]);
            again
        }),
    ]);
    assert_eq!(exchanges.len(), 3);
    assert_eq!(exchanges[0].sources, [Source::Fetch]);
    assert_eq!(exchanges[0].outcome, Outcome::Pending);
    assert_eq!(exchanges[1].sources, [Source::Network, Source::Fetch]);
    assert_ne!(exchanges[0].body_sha256, exchanges[1].body_sha256);
    assert_eq!(exchanges[0].body_sha256, exchanges[2].body_sha256);
}

#[test]
fn a_body_that_is_not_inline_comes_from_the_second_question() {
    let url = "https://www.police.example/submit";
    let mut sent = will_be_sent("1.1", url, "POST");
    sent["request"]["hasPostData"] = json!(true);
    let unanswered = assemble(&[(1, "Network.requestWillBeSent", sent.clone())]);
    assert_eq!(
        unanswered[0].body_state,
        BodyState::Unavailable,
        "unknown is not none"
    );
    let exchanges = assemble(&[
        (1, "Network.requestWillBeSent", sent),
        (
            2,
            "mark",
            json!({"post_data": {"network_id": "1.1", "base64": "AAH/"}}),
        ),
    ]);
    assert_eq!(exchanges[0].body_state, BodyState::Complete);
    assert_eq!(exchanges[0].body_size, Some(3));
}

#[test]
fn what_was_contained_stays_contained_whatever_the_browser_says_of_it() {
    let url = "https://www.police.example/submit";
    let exchanges = assemble(&[
        (1, "mark", json!({"step": 4})),
        (
            2,
            "Fetch.requestPaused",
            paused("i1", Some("1.1"), url, Some(b"a=1")),
        ),
        (
            3,
            "mark",
            json!({"contained": {"fetch_id": "i1", "why": "submit"}}),
        ),
        (
            4,
            "Network.responseReceived",
            json!({"requestId": "1.1", "response": {"status": 200}}),
        ),
        (5, "Network.loadingFinished", json!({"requestId": "1.1"})),
    ]);
    assert_eq!(exchanges[0].outcome, Outcome::Contained);
    assert_eq!(
        exchanges[0].sent, None,
        "whether it left is the network log's to say"
    );
    assert_eq!(exchanges[0].step, Some(4));
}

#[test]
fn failures_say_why_and_what_never_leaves_is_no_exchange() {
    let exchanges = assemble(&[
        (
            1,
            "Network.requestWillBeSent",
            will_be_sent("1.1", "data:image/gif;base64,R0", "GET"),
        ),
        (
            1,
            "Network.requestWillBeSent",
            will_be_sent("1.2", "https://a.example/", "GET"),
        ),
        (
            2,
            "Network.loadingFailed",
            json!({"requestId": "1.2", "errorText": "", "blockedReason": "csp"}),
        ),
        (
            3,
            "Network.requestWillBeSent",
            will_be_sent("1.3", "https://b.example/", "GET"),
        ),
        (
            4,
            "Network.loadingFailed",
            json!({"requestId": "1.3", "errorText": "net::ERR_CONNECTION_RESET"}),
        ),
        (
            5,
            "Network.loadingFailed",
            json!({"requestId": "9.9", "errorText": "of a request nobody saw"}),
        ),
    ]);
    assert_eq!(exchanges.len(), 2);
    assert_eq!(
        (exchanges[0].outcome, exchanges[0].error.as_deref()),
        (Outcome::Blocked, Some("csp"))
    );
    assert_eq!(exchanges[1].outcome, Outcome::Failed);
    assert_eq!(
        exchanges[1].error.as_deref(),
        Some("net::ERR_CONNECTION_RESET")
    );
}

#[test]
fn a_second_session_telling_the_same_request_counts_once() {
    let exchanges = assemble(&[
        (
            1,
            "Network.requestWillBeSent",
            will_be_sent("1.1", "https://a.example/", "GET"),
        ),
        (
            2,
            "Network.requestWillBeSent",
            will_be_sent("1.1", "https://a.example/", "GET"),
        ),
    ]);
    assert_eq!(exchanges.len(), 1);
}
