//! All checks, section by section.

mod access;
mod advisors;
mod advisors_of_speed;
mod data;
mod functions;
mod health;
mod histories;
mod indexes;
mod privileges;
mod scans;
mod settings;
mod spec;
mod structure;

use crate::check::Check;

/// All, in the order in which they are run and shown.
pub fn all() -> impl Iterator<Item = &'static Check> {
    let rooms: [&[Check]; 15] = [
        advisors::ALL,
        advisors_of_speed::ALL,
        structure::ALL,
        functions::ALL,
        spec::ALL,
        histories::ALL,
        data::ALL,
        scans::ALL,
        access::ALL,
        privileges::ALL,
        settings::ALL,
        indexes::ALL,
        health::ALL,
        crate::keys::ALL,
        crate::projects::ALL,
    ];
    rooms.into_iter().flatten()
}
