//! A second clock: what servers' `Date` headers say of ours.

use std::collections::BTreeMap;

use jiff::fmt::rfc2822;

use crate::model::{Exchange, ServerClock, UrlParts};

/// Bounds the offset of each host's clock, by name. An answer that was kept on the way (`Age`, RFC 9111, 5.1) has an old date,
/// and one that was not sent for has too: neither counts.
pub(super) fn servers(exchanges: &[Exchange]) -> Vec<ServerClock> {
    let mut clocks: BTreeMap<&str, ServerClock> = BTreeMap::new();
    for exchange in exchanges {
        let (Some(true), Some(asked), Some(answered)) =
            (exchange.sent, exchange.time, exchange.answered)
        else {
            continue;
        };
        let date = exchange.response_header("date");
        let date = date.and_then(|date| rfc2822::parse(date).ok());
        let (Some(date), None) = (date, exchange.response_header("age")) else {
            continue;
        };
        let host = UrlParts::of(&exchange.url).map_or("", |parts| parts.host);
        let date = date.timestamp().as_millisecond();
        // Written in the second that begins at `date`, and neither before the request nor after the answer.
        let at_least = date - answered.millis();
        let at_most = date + 999 - asked.millis();
        clocks
            .entry(host)
            .and_modify(|clock| {
                clock.answers += 1;
                clock.at_least = clock.at_least.max(at_least);
                clock.at_most = clock.at_most.min(at_most);
            })
            .or_insert_with(|| ServerClock {
                host: host.to_owned(),
                answers: 1,
                at_least,
                at_most,
            });
    }
    clocks.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Moment;

    fn answer(date: &str, asked: i64, answered: i64) -> Exchange {
        let mut exchange = Exchange::begun("x".into(), "https://a.example/", "GET", "a.example");
        exchange.sent = Some(true);
        exchange.time = Some(Moment::from_millis(asked));
        exchange.answered = Some(Moment::from_millis(answered));
        exchange.response_headers = vec![("date".to_owned(), date.to_owned())].into();
        exchange
    }

    #[test]
    fn answers_bound_the_offset_together() {
        // 1000 s after the epoch, by a server that is 5 s ahead.
        let date = "Thu, 01 Jan 1970 00:16:40 GMT";
        let clocks = servers(&[
            answer(date, 994_900, 995_100),
            answer(date, 995_400, 995_900),
        ]);
        assert_eq!(clocks.len(), 1);
        let clock = &clocks[0];
        assert_eq!((clock.answers, clock.host.as_str()), (2, "a.example"));
        assert_eq!((clock.at_least, clock.at_most), (4900, 5599));
    }

    #[test]
    fn what_was_kept_on_the_way_says_nothing() {
        let mut kept = answer("Thu, 01 Jan 1970 00:16:40 GMT", 1, 2);
        let mut headers = kept.response_headers.to_vec();
        headers.push(("age".to_owned(), "30".to_owned()));
        kept.response_headers = headers.into();
        let mut from_store = answer("Thu, 01 Jan 1970 00:16:40 GMT", 1, 2);
        from_store.sent = Some(false);
        assert!(servers(&[kept, from_store, answer("soon", 1, 2)]).is_empty());
    }
}
