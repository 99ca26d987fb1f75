//! The channels, by what they are made of. A new one is one more entry in one of these files.

mod beacons;
mod documents;
mod failures;
mod fetches;
mod forms;
mod frames;
mod resources;
mod scripts;
mod workers;

use super::Channel;

/// Everything that a channel may leave out.
const PLAIN: Channel = Channel {
    name: "",
    about: "",
    headers: &[],
    head: "",
    body: "",
    script: "",
    files: &[],
    act: None,
    expects: &[],
    optional: None,
};

/// In the order in which they are played. Those that only speak when their tab closes come last.
pub(super) fn all() -> impl Iterator<Item = &'static Channel> {
    [
        resources::CHANNELS,
        scripts::CHANNELS,
        fetches::CHANNELS,
        documents::CHANNELS,
        frames::CHANNELS,
        workers::CHANNELS,
        forms::CHANNELS,
        failures::CHANNELS,
        beacons::CHANNELS,
    ]
    .into_iter()
    .flatten()
}
