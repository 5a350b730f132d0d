//! A second pair of eyes: looks from another session at what the first one waits for.

#![expect(clippy::disallowed_methods, reason = "a run waits for a server and says how long it took")]

use crate::blockers::{self, Blocker};
use crate::{Connect, Event, Tell};
use specc_postgres::{Session, postgres};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(100);
/// When the first word about a step is said, and how long between the next ones.
const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_secs(5);

/// Watches one session.
pub(crate) struct Watch<'a> {
    connect: Connect<'a>,
    tell: Tell<'a>,
    pid: i32,
    /// How long a step may take before anybody looks.
    look_after: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: Option<Running>,
    blockers: Vec<Blocker>,
    count: u64,
    stopped: bool,
}

#[derive(Clone)]
struct Running {
    label: String,
    since: Instant,
    number: u64,
}

/// Ends the watching when it goes, however that comes.
pub(crate) struct Watching<'w, 'a>(pub(crate) &'w Watch<'a>);

impl Drop for Watching<'_, '_> {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

impl<'a> Watch<'a> {
    pub(crate) fn new(connect: Connect<'a>, tell: Tell<'a>, pid: i32, lock_timeout: Duration) -> Self {
        let look_after = (lock_timeout / 3).clamp(Duration::from_millis(30), Duration::from_millis(400));
        Self { connect, tell, pid, look_after, state: Mutex::default(), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step begins.
    pub(crate) fn begin(&self, label: &str) {
        let mut state = self.lock();
        state.count += 1;
        let number = state.count;
        state.blockers.clear();
        state.running = Some(Running { label: label.to_owned(), since: Instant::now(), number });
        drop(state);
        self.changed.notify_all();
    }

    /// It has ended: how long it took, and whom it was last seen waiting for.
    pub(crate) fn end(&self) -> (Duration, Vec<Blocker>) {
        let mut state = self.lock();
        let took = state.running.take().map(|running| running.since.elapsed()).unwrap_or_default();
        (took, std::mem::take(&mut state.blockers))
    }

    /// Looks until it is stopped; for a thread of its own.
    pub(crate) fn run(&self) {
        let mut session = None;
        let mut said: (u64, Option<Instant>) = (0, None);
        loop {
            let mut state = self.lock();
            while state.running.is_none() && !state.stopped {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            if state.stopped {
                return;
            }
            let tick = TICK.min(self.look_after);
            let (state, _) = self.changed.wait_timeout(state, tick).unwrap_or_else(PoisonError::into_inner);
            if state.stopped {
                return;
            }
            let Some(running) = state.running.clone() else {
                continue;
            };
            drop(state);
            let elapsed = running.since.elapsed();
            if elapsed < self.look_after {
                continue;
            }
            // Seeing nothing is no reason to stop working.
            let (blockers, progress) = self.look(&mut session).unwrap_or_else(|_| {
                session = None;
                Default::default()
            });
            let mut state = self.lock();
            if state.running.as_ref().is_none_or(|now| now.number != running.number) {
                continue;
            }
            if !blockers.is_empty() {
                state.blockers.clone_from(&blockers);
            }
            drop(state);
            if said.0 != running.number {
                said = (running.number, None);
            }
            let due = said.1.map_or(elapsed >= FIRST, |last| last.elapsed() >= NEXT);
            if due {
                said.1 = Some(Instant::now());
                (self.tell)(Event::Slow { label: running.label, elapsed, progress, blockers });
            }
        }
    }

    fn look(&self, slot: &mut Option<Session>) -> Result<(Vec<Blocker>, Option<String>), specc_postgres::Error> {
        if slot.as_ref().is_none_or(|session| session.is_closed()) {
            *slot = Some((self.connect)()?);
        }
        let Some(session) = slot else {
            return Ok(Default::default());
        };
        let look = |session: &mut Session| -> Result<_, postgres::Error> {
            Ok((blockers::of(session, self.pid)?, blockers::index_progress(session, self.pid)?))
        };
        Ok(look(session)?)
    }
}
