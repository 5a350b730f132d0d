//! What happens, as it happens.

use crate::blockers::{self, Blocker};
use std::fmt;
use std::time::Duration;

/// Something to tell who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A table has the rows that were asked for.
    Loaded(crate::Loaded),
    /// Another runner is at work.
    Waiting {
        /// Who.
        holder: String,
        /// Since when we wait.
        waited: Duration,
    },
    /// A file begins.
    Begins {
        /// Its name.
        title: String,
        /// How many steps it has.
        steps: usize,
        /// How many of them were done before.
        done: usize,
        /// What its header says is lost.
        loses: Vec<String>,
    },
    /// A step takes its time.
    Slow {
        /// Its first words.
        label: String,
        /// How long so far.
        elapsed: Duration,
        /// How far it is, where the server tells.
        progress: Option<String>,
        /// Whom it waits for.
        blockers: Vec<Blocker>,
    },
    /// A step that took more than a second, or stands for itself, is done.
    Step {
        /// Which.
        ordinal: u32,
        /// Of how many.
        of: usize,
        /// Its first words.
        label: String,
        /// How long it took.
        took: Duration,
    },
    /// A lock was not free: it is tried again.
    Again {
        /// Of what.
        label: String,
        /// What the server said.
        said: String,
        /// Whom it waited for.
        blockers: Vec<Blocker>,
        /// How many times it was tried.
        attempt: u32,
        /// How often it may be.
        of: u32,
        /// When.
        after: Duration,
    },
    /// A file is done.
    Done {
        /// Its name.
        title: String,
        /// How long it took.
        took: Duration,
        /// Whether it was taken back.
        down: bool,
    },
    /// The server warns.
    Warning(String),
    /// Something to know.
    Note(String),
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Loaded(loaded) => {
                write!(f, "{}: {} rows, {} before", loaded.table, loaded.added, loaded.before)?;
                loaded.why.iter().try_for_each(|why| write!(f, "; {why}"))
            }
            Event::Waiting { holder, waited } => {
                write!(f, "waiting for another runner ({holder}), {} so far", seconds(*waited))
            }
            Event::Begins { title, steps, done, loses } => {
                write!(f, "{title}: {steps} {}", if *steps == 1 { "step" } else { "steps" })?;
                if *done > 0 {
                    write!(f, ", {done} of them done before")?;
                }
                loses.iter().try_for_each(|loss| write!(f, "\n  loses {loss}"))
            }
            Event::Slow { label, elapsed, progress, blockers } => {
                write!(f, "  … {} {label}", seconds(*elapsed))?;
                progress.iter().try_for_each(|progress| write!(f, "\n      {progress}"))?;
                blockers.iter().try_for_each(|blocker| write!(f, "\n      waits for {blocker}"))
            }
            Event::Step { ordinal, of, label, took } => write!(f, "  {ordinal}/{of} {label}: {}", seconds(*took)),
            Event::Again { label, said, blockers, attempt, of, after } => {
                write!(f, "  {said} in: {label}")?;
                write!(f, "{}", blockers::in_the_way(blockers))?;
                write!(f, "\n      try {attempt} of {of}; again in {}", seconds(*after))
            }
            Event::Done { title, took, down } => {
                write!(f, "{title}: {} in {}", if *down { "taken back" } else { "applied" }, seconds(*took))
            }
            Event::Warning(text) => write!(f, "  warning: {text}"),
            Event::Note(text) => write!(f, "  {text}"),
        }
    }
}

/// `1.2 s`, `35 s`
pub(crate) fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 10.0 { format!("{seconds:.1} s") } else { format!("{seconds:.0} s") }
}
