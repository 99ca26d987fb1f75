//! Reports: one file a format. Pure: `render(&Run, &mut dyn Write)`; no clock, no browser, no network.

pub mod audit;
pub mod compare;
mod comparison;
mod course;
pub mod csv;
pub mod decoded;
pub mod gallery;
pub mod gate;
pub mod har;
pub mod html;
pub mod looked_for;
pub mod records;
pub mod terminal;
pub mod wacz;
mod words;

pub(crate) use crate::model::count;

/// As [`visible`], on one line: nothing that others wrote begins a line of ours.
pub(crate) fn on_one_line(text: &str) -> String {
    visible(text).replace(['\n', '\t'], " ")
}

/// Text without what a terminal would obey, and without what turns the direction of what follows: pages choose what they
/// say, and it is to be read as it stands.
pub(crate) fn visible(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = text.chars().map(|c| match c {
        '\n' | '\t' => c,
        c if c.is_control() || turns(c) => ' ',
        c => c,
    });
    shown.collect()
}

/// Does something with each, on as many threads as there are processors, and gives what came of it, in order.
pub(crate) fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let each = items.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        let work = &work;
        let running: Vec<_> = items
            .chunks(each)
            .map(|part| scope.spawn(move || part.iter().map(work).collect::<Vec<R>>()))
            .collect();
        running
            .into_iter()
            .flat_map(|thread| match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
