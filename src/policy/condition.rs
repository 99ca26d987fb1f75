//! What a rule asks of a request: groups of conditions, all of which must hold, each by one of its conditions.

use super::glob::{NameGlob, PageGlob};
use super::view::{Fact, Request, View};
use crate::model::{EventClass, EventKind, Outcome, PageFrom, Verdict, Verdicts};

/// One thing that is asked of a request.
#[derive(Debug, Clone)]
pub enum Condition {
    Page(PageGlob),
    Recipient(String),
    Host(NameGlob),
    Vendor(String),
    Event(NameGlob),
    EventClass(EventClass),
    Kind(EventKind),
    Parameter(NameGlob),
    Field(NameGlob),
    Verdict(Told),
    Consent(String),
    /// From the first to the last, both counted.
    Step(u32, u32),
    Outcome(Outcome),
    /// Of the page, not of a request.
    Banner,
}

/// Which of the three verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    TypedValue,
    PageContext,
    IdentityLink,
}

impl Told {
    pub const ALL: [Told; 3] = [Told::TypedValue, Told::PageContext, Told::IdentityLink];

    pub fn as_str(self) -> &'static str {
        match self {
            Told::TypedValue => "typed_value",
            Told::PageContext => "page_context",
            Told::IdentityLink => "identity_link",
        }
    }

    /// What came of it.
    pub fn of(self, verdicts: &Verdicts) -> &Verdict {
        match self {
            Told::TypedValue => &verdicts.typed_value,
            Told::PageContext => &verdicts.page_context,
            Told::IdentityLink => &verdicts.identity_link,
        }
    }
}

/// What a rule asks: one group for each key that it gives.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    groups: Vec<Vec<Condition>>,
}

/// How a request meets a matcher.
#[derive(Debug, Clone)]
pub struct Met<'v> {
    /// The page that matched, or else the one that the request belongs to.
    pub page: Option<(&'v str, PageFrom)>,
    /// What of that which was told matched; empty where the matcher does not ask what was told.
    pub facts: Vec<&'v Fact>,
}

impl Matcher {
    pub fn add(&mut self, group: Vec<Condition>) {
        self.groups.push(group);
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.groups.iter().flatten()
    }

    /// Whether it asks for a consent banner.
    pub fn wants_banner(&self) -> bool {
        self.conditions()
            .any(|condition| matches!(condition, Condition::Banner))
    }

    /// The verdicts that it asks for.
    pub fn verdicts(&self) -> impl Iterator<Item = Told> {
        self.conditions().filter_map(|condition| match condition {
            Condition::Verdict(told) => Some(*told),
            _ => None,
        })
    }

    /// The fields and canaries that it names.
    pub fn fields(&self) -> impl Iterator<Item = &NameGlob> {
        self.conditions().filter_map(|condition| match condition {
            Condition::Field(name) => Some(name),
            _ => None,
        })
    }

    /// The globs of pages that it gives.
    pub fn pages(&self) -> impl Iterator<Item = &PageGlob> {
        self.conditions().filter_map(|condition| match condition {
            Condition::Page(glob) => Some(glob),
            _ => None,
        })
    }

    /// Whether it asks what was told, and not merely whom.
    pub fn asks_what(&self) -> bool {
        self.conditions().any(Condition::is_of_facts)
    }

    /// As a deny, a claim or a require meets a request: by any of its pages, and by any single thing that it told.
    pub fn met<'v>(&self, view: &'v View<'_>, request: &'v Request<'_>) -> Option<Met<'v>> {
        if !self.met_but_for_what(view, request) {
            return None;
        }
        let facts = self.facts(request);
        if self.asks_what() && facts.is_empty() {
            return None;
        }
        let mut asked = self.pages();
        let page = asked.find_map(|glob| page_of(view, request, glob));
        let page = page.or(request.pages.first());
        let page = page.map(|(page, from)| (page.as_str(), *from));
        Some(Met { page, facts })
    }

    /// Whether it is about a request, whatever that told.
    pub fn met_but_for_what(&self, view: &View<'_>, request: &Request<'_>) -> bool {
        let mut groups = self.groups.iter().filter(|group| !is_of_facts(group));
        groups.all(|group| {
            group.iter().any(|condition| match condition {
                Condition::Page(glob) => page_of(view, request, glob).is_some(),
                other => other.holds(request),
            })
        })
    }

    /// As an allow covers a request, whatever that told: every page that it belongs to.
    pub fn covers_request(&self, view: &View<'_>, request: &Request<'_>) -> bool {
        let mut groups = self.groups.iter().filter(|group| !is_of_facts(group));
        groups.all(|group| match group.first() {
                Some(Condition::Page(_)) => {
                    !request.pages.is_empty()
                        && request.pages.iter().all(|(page, _)| {
                            group.iter().any(|condition| {
                                matches!(condition, Condition::Page(glob) if view.covers(glob, page))
                            })
                        })
                }
                _ => group.iter().any(|condition| condition.holds(request)),
            })
    }

    /// As an allow covers a request and all that it told, if it asks what was told.
    pub fn covers(&self, view: &View<'_>, request: &Request<'_>) -> bool {
        if !self.covers_request(view, request) || !self.asks_what() {
            return self.covers_request(view, request);
        }
        let allowed = self.facts(request);
        let mut told = request
            .facts
            .iter()
            .filter(|fact| matches!(fact.told, Some(Told::TypedValue | Told::PageContext)));
        !allowed.is_empty() && told.all(|fact| allowed.iter().any(|allowed| allowed.holds(fact)))
    }

    /// Everything told that meets what it asks of that.
    pub fn facts<'v>(&self, request: &'v Request<'_>) -> Vec<&'v Fact> {
        if !self.asks_what() {
            return Vec::new();
        }
        let meets = |fact: &&Fact| {
            self.groups
                .iter()
                .filter(|group| is_of_facts(group))
                .all(|group| group.iter().any(|condition| condition.holds_of(fact)))
        };
        request.facts.iter().filter(meets).collect()
    }
}

/// The first page of a request that a glob covers.
fn page_of<'v>(
    view: &View<'_>,
    request: &'v Request<'_>,
    glob: &PageGlob,
) -> Option<&'v (String, PageFrom)> {
    let mut pages = request.pages.iter();
    pages.find(|(page, _)| view.covers(glob, page))
}

fn is_of_facts(group: &[Condition]) -> bool {
    group.first().is_some_and(Condition::is_of_facts)
}

impl Condition {
    fn is_of_facts(&self) -> bool {
        matches!(
            self,
            Condition::Parameter(_) | Condition::Field(_) | Condition::Verdict(_)
        )
    }

    /// Of the request as a whole.
    fn holds(&self, request: &Request<'_>) -> bool {
        let event = request.event;
        match self {
            Condition::Recipient(name) => request.recipient() == Some(name),
            Condition::Host(host) => host.covers_host(request.host()),
            Condition::Vendor(vendor) => event.is_some_and(|event| event.vendor == *vendor),
            Condition::Event(name) => event
                .and_then(|event| event.event_name.as_deref())
                .is_some_and(|event| name.matches(event)),
            Condition::EventClass(class) => {
                event.is_some_and(|event| event.event_class == Some(*class))
            }
            Condition::Kind(kind) => event.is_some_and(|event| event.kind == *kind),
            Condition::Consent(consent) => request.consent == *consent,
            Condition::Step(first, last) => request
                .exchange
                .step
                .is_some_and(|step| (*first..=*last).contains(&step)),
            Condition::Outcome(outcome) => request.exchange.outcome == *outcome,
            Condition::Page(_)
            | Condition::Parameter(_)
            | Condition::Field(_)
            | Condition::Verdict(_)
            | Condition::Banner => false,
        }
    }

    /// Of one thing that the request told.
    fn holds_of(&self, fact: &Fact) -> bool {
        match self {
            Condition::Parameter(name) => {
                name.matches(&fact.name)
                    || fact
                        .name
                        .split_once(':')
                        .is_some_and(|(_, bare)| name.matches(bare))
            }
            Condition::Field(name) => fact.fields.iter().any(|field| name.matches(field)),
            Condition::Verdict(told) => fact.told == Some(*told),
            _ => false,
        }
    }
}
