//! From what the server said to what a person needs to know.

use crate::blockers::{self, Blocker};
use crate::error::{Error, Failed, ServerError};
use crate::migration::File;
use crate::script::Step;

/// A try that did not succeed.
pub(crate) struct FailedTry {
    /// What the server said.
    pub(crate) said: ServerError,
    /// Where, as a byte of the file, where that is known.
    pub(crate) at: Option<usize>,
    /// In which step, where that is known.
    pub(crate) step: Option<usize>,
    /// Whom it waited for.
    pub(crate) blockers: Vec<Blocker>,
}

impl FailedTry {
    /// Of a piece of the file that begins at `start`.
    pub(crate) fn new(said: ServerError, piece: &str, start: usize, blockers: Vec<Blocker>) -> Self {
        let byte = |n: usize| piece.char_indices().nth(n.saturating_sub(1)).map_or(piece.len(), |(byte, _)| byte);
        let at = said.position.map(|position| start + byte(position));
        Self { said, at, step: None, blockers }
    }

    /// The connection, or the step with its place.
    pub(crate) fn into_error(self, file: &File, steps: &[Step], state: String) -> Error {
        if self.said.is_lost() {
            return Error::Connection(format!(
                "the connection to the database was lost in {}: {}\n  help: once it is back, run `specc apply` again; the journal in \
                 the database knows what was done",
                file.path, self.said
            ));
        }
        let step = self.step.and_then(|n| steps.get(n));
        let byte = self.at.or(step.map(|step| step.start));
        let line = byte.map_or(1, |byte| {
            1 + file.text.as_bytes()[..byte.min(file.text.len())].iter().filter(|b| **b == b'\n').count()
        });
        let mut state = state;
        if self.said.may_pass() {
            state += &blockers::in_the_way(&self.blockers);
            state += "\n  help: apply again when the database is less busy, or with a higher --lock-retries or --lock-timeout";
        }
        Error::Failed(Box::new(Failed {
            path: file.path.clone(),
            line,
            label: step.map_or_else(|| "commit".into(), |step| step.label.clone()),
            said: self.said,
            state,
        }))
    }
}
