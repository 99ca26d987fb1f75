use super::*;
use crate::capture::netlog::{KeptBody, NetLogBody};
use crate::model::{Cookie, Outcome, Source};

const CIRCUMSTANCES: Circumstances = Circumstances {
    first_party: "police.example",
    steps: &[],
    unreadable: &[],
    tabs_left: 0,
};

fn request(url: &str, method: &str, cookie: Option<&str>) -> NetLogRequest {
    NetLogRequest {
        sent: cookie.map(|cookie| vec![("cookie".into(), cookie.into())].into()),
        on_the_wire: cookie.is_some(),
        status: cookie.map(|_| 200),
        ..NetLogRequest::begun(url, method, Origin::Page, Some(Moment::from_millis(1000)))
    }
}

fn exchange(id: &str, url: &str, outcome: Outcome) -> Exchange {
    let mut exchange = Exchange::begun(id.into(), url, "GET", "police.example");
    exchange.outcome = outcome;
    exchange
}

#[test]
fn the_log_decides_what_was_sent_and_with_which_cookies() {
    let url = "https://www.facebook.com/tr/?a";
    let mut exchanges = vec![
        exchange("x0001", url, Outcome::Contained),
        exchange("x0002", url, Outcome::Pending),
        exchange("x0003", "https://a.example/cached", Outcome::Completed),
    ];
    exchanges[1].cookies = vec![Cookie {
        name: "c_user".into(),
        value: "1".into(),
        sent: true,
        withheld: None,
    }];
    let log = NetLog {
        requests: vec![
            request(url, "GET", Some("fr=2")),
            request("https://a.example/cached", "GET", None),
            request("https://nel.example/upload", "POST", Some("")),
        ],
        ..NetLog::default()
    };
    let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(
        exchanges[0].sent,
        Some(false),
        "contained: it takes no other's place"
    );
    assert_eq!(
        (exchanges[1].sent, exchanges[1].outcome),
        (Some(true), Outcome::Completed)
    );
    let cookies: Vec<_> = exchanges[1]
        .cookies
        .iter()
        .map(|c| (c.name.as_str(), c.sent))
        .collect();
    assert_eq!(cookies, [("c_user", false), ("fr", true)]);
    assert_eq!(exchanges[2].sent, Some(false));
    assert_eq!(exchanges.len(), 4, "what only the log saw is kept");
    assert_eq!(exchanges[3].sources, [Source::NetLog]);
    assert_eq!(exchanges[3].body_state, BodyState::None);
    assert_eq!((record.sent, record.recorded, record.matched), (2, 2, 1));
    assert_eq!(record.in_one_source.len(), 1);
    assert_eq!(record.in_one_source[0].exchange, "x0004");
    assert_eq!(record.in_one_source[0].seen_by, Residue::NetLog);
    assert_eq!(record.verdict, AuditVerdict::CompleteWithListedResiduals);
}

#[test]
fn an_answer_from_the_network_that_no_connection_carried_is_listed() {
    let mut exchanges = vec![exchange("x0001", "https://a.example/", Outcome::Completed)];
    exchanges[0].status = Some(200);
    let record = audit(&mut exchanges, &NetLog::default(), &CIRCUMSTANCES);
    assert_eq!(record.verdict, AuditVerdict::Incomplete);
    assert_eq!(record.in_one_source[0].seen_by, Residue::Cdp);
    assert!(record.reasons[0].contains("x0001"), "{:?}", record.reasons);
    assert_eq!(exchanges[0].sent, Some(false));
}

#[test]
fn bodies_are_the_logs_and_tell_requests_to_one_url_apart() {
    let url = "https://www.facebook.com/tr/";
    let kept = |sha256: &str| KeptBody {
        sha256: sha256.into(),
        size: 1,
    };
    let mut log = NetLog {
        requests: ["aa", "bb", "cc"]
            .map(|sha256| NetLogRequest {
                body: NetLogBody::Whole(kept(sha256)),
                ..request(url, "POST", Some(&format!("of={sha256}")))
            })
            .into(),
        ..NetLog::default()
    };
    log.requests.push(NetLogRequest {
        body: NetLogBody::Cut(kept("dd")),
        again: Some(2),
        ..request(url, "POST", Some("of=cc"))
    });
    let posted = |id: &str, sha256: Option<&str>| {
        let mut exchange = exchange(id, url, Outcome::Completed);
        exchange.method = "POST".into();
        exchange.body_state = if sha256.is_some() {
            BodyState::Complete
        } else {
            BodyState::Unavailable
        };
        exchange.body_sha256 = sha256.map(str::to_owned);
        exchange
    };
    // Told in another order; of one the body is not known, and of one it is known wrongly.
    let mut exchanges = vec![
        posted("x0001", Some("bb")),
        posted("x0002", None),
        posted("x0003", Some("wrong")),
    ];
    exchanges[2].step = Some(7);
    let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
    let found: Vec<_> = exchanges
        .iter()
        .map(|x| {
            (
                x.body_sha256.as_deref().unwrap(),
                x.cookies[0].value.as_str(),
                x.body_state,
            )
        })
        .collect();
    let complete = BodyState::Complete;
    assert_eq!(
        found,
        [
            ("bb", "bb", complete),
            ("aa", "aa", complete),
            ("cc", "cc", complete),
            ("dd", "cc", BodyState::Truncated)
        ]
    );
    assert_eq!(exchanges[3].step, Some(7), "sent again: of the same step");
    let bodies = &record.bodies;
    assert_eq!((bodies.compared, bodies.equal), (2, 1));
    assert_eq!((bodies.from_log, bodies.cut, bodies.missing), (1, 1, 0));
    assert_eq!(
        record.verdict,
        AuditVerdict::CompleteWithListedResiduals,
        "what was sent of the body that was cut is known"
    );
}

#[test]
fn a_request_that_cdp_lost_has_the_step_of_its_time() {
    let at = Moment::from_millis;
    let steps = [(at(500), Some(1)), (at(900), Some(2)), (at(1500), None)];
    let log = NetLog {
        requests: vec![request(
            "https://www.facebook.com/tr/?lost",
            "GET",
            Some("c_user=1"),
        )],
        ..NetLog::default()
    };
    let mut exchanges = Vec::new();
    let circumstances = Circumstances {
        steps: &steps,
        ..CIRCUMSTANCES
    };
    let record = audit(&mut exchanges, &log, &circumstances);
    assert_eq!(record.verdict, AuditVerdict::CompleteWithListedResiduals);
    assert_eq!(
        record.in_one_source[0].url,
        "https://www.facebook.com/tr/?lost"
    );
    assert_eq!(exchanges[0].step, Some(2));
    assert_eq!(exchanges[0].recipient.as_deref(), Some("Meta"));
}

#[test]
fn a_contained_request_that_slipped_through_is_found() {
    let url = "https://www.police.example/submit";
    let mut exchanges = vec![exchange("x0001", url, Outcome::Contained)];
    exchanges[0].method = "POST".into();
    let log = NetLog {
        requests: vec![request(url, "POST", Some(""))],
        ..NetLog::default()
    };
    let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        (exchanges[0].sent, exchanges[0].outcome),
        (Some(true), Outcome::Contained)
    );
    assert_eq!(record.matched, 1);
}

#[test]
fn a_log_that_was_cut_off_proves_nothing_about_what_it_lacks() {
    let mut exchanges = vec![exchange("x0001", "https://a.example/", Outcome::Completed)];
    let log = NetLog {
        truncated: true,
        ..NetLog::default()
    };
    audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(exchanges[0].sent, None);
}

#[test]
fn an_attempt_that_failed_does_not_take_the_place_of_the_one_that_arrived() {
    let url = "https://www.facebook.com/tr/";
    // Refused, then tried again by the page; and one whose answer CDP did not tell.
    let mut first = exchange("x0001", url, Outcome::Failed);
    first.error = Some("net::ERR_CONNECTION_REFUSED".into());
    let mut second = exchange("x0002", url, Outcome::Completed);
    second.status = Some(200);
    let log = NetLog {
        requests: vec![
            NetLogRequest {
                error: Some(-102),
                ..request(url, "GET", None)
            },
            request(url, "GET", Some("c_user=1")),
        ],
        ..NetLog::default()
    };
    let mut exchanges = vec![first.clone(), second];
    let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(
        (exchanges[0].sent, exchanges[1].sent),
        (Some(false), Some(true))
    );
    assert_eq!(exchanges[0].status, None);
    assert_eq!(record.verdict, AuditVerdict::Complete, "{record:#?}");
    // A fetch that CORS stopped before it was sent, then a beacon with the same address.
    first.error = Some("CORS: PreflightMissingAllowOriginHeader".into());
    let beacon = exchange("x0002", url, Outcome::Pending);
    let log = NetLog {
        requests: vec![request(url, "GET", Some("c_user=1"))],
        ..NetLog::default()
    };
    let mut exchanges = vec![first, beacon];
    audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(
        (exchanges[0].sent, exchanges[1].sent),
        (Some(false), Some(true))
    );
}

#[test]
fn what_the_log_does_not_show_is_not_called_complete() {
    let mut answered = exchange("x0001", "https://a.example/", Outcome::Completed);
    answered.status = Some(200);
    // The stack began it, and no head was ever handed to a connection.
    let log = NetLog {
        requests: vec![request("https://a.example/", "GET", None)],
        ..NetLog::default()
    };
    let record = audit(&mut vec![answered], &log, &CIRCUMSTANCES);
    assert_eq!(record.verdict, AuditVerdict::Incomplete);
    // But for a redirect that the browser made up by itself.
    let mut upgraded = exchange("x0001", "http://a.example/", Outcome::Completed);
    upgraded.status = Some(307);
    upgraded.response_headers = vec![("non-authoritative-reason".into(), "HSTS".into())].into();
    let log = NetLog {
        requests: vec![request("http://a.example/", "GET", None)],
        ..NetLog::default()
    };
    let mut exchanges = vec![upgraded];
    let record = audit(&mut exchanges, &log, &CIRCUMSTANCES);
    assert_eq!(record.verdict, AuditVerdict::Complete, "{record:#?}");
    assert_eq!(exchanges[0].sent, Some(false));
    // A head was handed over, and no byte of it was seen.
    let log = NetLog {
        requests: vec![NetLogRequest {
            on_the_wire: false,
            ..request("https://a.example/", "GET", Some(""))
        }],
        ..NetLog::default()
    };
    let record = audit(&mut Vec::new(), &log, &CIRCUMSTANCES);
    assert!(
        record.reasons[0].contains("bytes do not show"),
        "{record:#?}"
    );
    let unread = NetLog {
        unread: 3,
        ..NetLog::default()
    };
    let record = audit(&mut Vec::new(), &unread, &CIRCUMSTANCES);
    assert_eq!(record.verdict, AuditVerdict::Incomplete);
}
