//! A small chart: to whom how many requests left in which step.

use std::collections::BTreeMap;

use super::text::Text;
use crate::report::words::{self, Fate};
use crate::run::Run;

/// Recipients that have a row of their own.
const MOST_ROWS: usize = 12;
/// Steps of which the numbers stand in their cells.
const MOST_NUMBERS: usize = 30;
const LABEL: usize = 190;
const COLUMNS: usize = 640;
const ROW: usize = 26;
const HEAD: usize = 22;

/// Rows of recipients, columns of steps, in SVG's units.
#[derive(Debug)]
pub(super) struct Chart<'a> {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) rows: Vec<Row<'a>>,
    /// Where each column's number stands.
    pub(super) columns: Vec<(f64, String)>,
    pub(super) column: f64,
    pub(super) numbers: bool,
    /// Recipients that have no row.
    pub(super) more: usize,
}

#[derive(Debug)]
pub(super) struct Row<'a> {
    pub(super) name: Text<'a>,
    pub(super) y: usize,
    pub(super) cells: Vec<Cell>,
}

#[derive(Debug)]
pub(super) struct Cell {
    pub(super) x: f64,
    pub(super) requests: usize,
    /// 1 to 4, by how many they are.
    pub(super) shade: usize,
    pub(super) title: String,
}

impl<'a> Chart<'a> {
    /// None: nobody was asked for anything, or there are no steps.
    pub(super) fn new(run: &'a Run) -> Option<Chart<'a>> {
        let steps = &run.record.journey.steps;
        let mut asked: BTreeMap<&str, BTreeMap<Option<u32>, Fate>> = BTreeMap::new();
        for (name, exchange) in words::asked(run) {
            let by_step = asked.entry(name).or_default();
            by_step
                .entry(exchange.step)
                .or_default()
                .take(exchange.sent);
        }
        if asked.is_empty() || steps.is_empty() {
            return None;
        }
        let outside = asked.values().any(|by_step| by_step.contains_key(&None));
        let mut columns: Vec<Option<u32>> = steps.iter().map(|step| Some(step.number)).collect();
        columns.extend(outside.then_some(None));
        let column = COLUMNS as f64 / columns.len() as f64;
        let place = |at: usize| LABEL as f64 + at as f64 * column;
        let fates = asked.values().flat_map(BTreeMap::values);
        let most = fates.map(|fate| fate.left + fate.unknown).max();
        let most = most.unwrap_or(1).max(1);
        let mut rows: Vec<(&str, BTreeMap<Option<u32>, Fate>)> = asked.into_iter().collect();
        // Meta first, then whoever was asked most.
        rows.sort_by_key(|(name, by_step)| {
            let left = by_step.values().map(|fate| fate.left + fate.unknown);
            let sum: usize = left.sum();
            (*name != "Meta", usize::MAX - sum)
        });
        let more = rows.len().saturating_sub(MOST_ROWS);
        rows.truncate(MOST_ROWS);
        let height = HEAD + ROW * rows.len();
        let rows = rows.into_iter().enumerate().map(|(at, (name, by_step))| {
            let cells = columns.iter().enumerate().filter_map(|(at, step)| {
                let fate = *by_step.get(step)?;
                let requests = fate.left + fate.unknown;
                if requests == 0 {
                    return None;
                }
                let of = match step {
                    Some(step) => format!("step {step}"),
                    None => "outside the steps".to_owned(),
                };
                Some(Cell {
                    x: place(at),
                    requests,
                    shade: (4 * requests).div_ceil(most).clamp(1, 4),
                    title: format!("{of}: {}", fate.in_numbers()),
                })
            });
            Row {
                name: Text::new(name),
                y: HEAD + ROW * at,
                cells: cells.collect(),
            }
        });
        let rows = rows.collect();
        let every = columns.len().div_ceil(MOST_NUMBERS);
        let labels = columns.iter().enumerate().filter(|(at, _)| at % every == 0);
        let labels = labels.map(|(at, step)| {
            let label = step.map_or("–".to_owned(), |step| step.to_string());
            (place(at) + column / 2.0, label)
        });
        Some(Chart {
            width: LABEL + COLUMNS,
            height,
            rows,
            columns: labels.collect(),
            column: (column - 2.0).max(1.0),
            numbers: columns.len() <= MOST_NUMBERS,
            more,
        })
    }
}
