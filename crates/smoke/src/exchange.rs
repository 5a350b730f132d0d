//! A request, what should come of it, and whether that came.

use crate::request::Request;
use crate::send::{Reply, refused, success};
use specc_diag::Span;
use specc_prove::Expected;
use specc_trial::{Got, Verdict, Wanted, verdict, words};

/// A request and what should come of it.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What it is about, as messages name it.
    pub entity: String,
    /// What sort of request it is.
    pub kind: Kind,
    /// Who asks, and the rows that are there.
    pub lines: Vec<String>,
    /// The rules that decide.
    pub rules: Vec<Span>,
    /// The request.
    pub request: Request,
    /// What should come of it.
    pub wish: Wish,
}

/// What sort of request it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Rows read, made, changed or deleted: a statement of the matrix of access.
    Rows,
    /// The first page of them, with their number.
    Page,
    /// Rows with those that they refer to, or that refer to them.
    Embedding,
    /// Columns that are written, where there are no rows.
    Columns,
    /// A call of a function.
    Call,
}

impl Kind {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Rows => "rows",
            Kind::Page => "page",
            Kind::Embedding => "embedding",
            Kind::Columns => "columns",
            Kind::Call => "call",
        }
    }
}

/// What should come of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// What effective access says.
    Access {
        /// Of the statement.
        outcome: Expected,
        /// How many rows there are in all, where that is asked.
        total: Option<u64>,
    },
    /// It is answered, with whatever rows there are.
    Reached,
    /// The function may be called, whatever it then says of its arguments.
    Called,
    /// It may not.
    Uncallable,
}

impl Exchange {
    /// The status that should come.
    fn status(&self, anon: &str) -> Option<u16> {
        let is_anon = self.request.role == anon;
        match &self.wish {
            Wish::Access { outcome: Expected::Rows(rows), total } => Some(success(&self.request, *rows, *total)),
            Wish::Access { outcome: Expected::Kept, .. } => Some(refused("23503", is_anon)),
            Wish::Access { outcome: Expected::Denied, .. } | Wish::Uncallable => Some(refused("42501", is_anon)),
            Wish::Called | Wish::Reached => None,
        }
    }

    /// What should come, in words.
    pub fn expected(&self, anon: &str) -> String {
        let status = self.status(anon).map(|status| format!("{status}, ")).unwrap_or_default();
        match &self.wish {
            Wish::Access { outcome, total } => {
                let all = total.map(|total| format!(" of {total}")).unwrap_or_default();
                let rows = words(&Wanted::Access(*outcome));
                format!("{status}{rows}{all}")
            }
            Wish::Reached => "an answer".to_owned(),
            Wish::Called => "the function answers".to_owned(),
            Wish::Uncallable => format!("{status}the function is not for this role (42501)"),
        }
    }

    /// Whether what came is what should have come.
    pub fn verdict(&self, reply: &Reply, anon: &str) -> Verdict {
        match &self.wish {
            // What the body has is read before any rule is asked.
            Wish::Access { .. } if reply.of_body => Verdict::NotSeen(reply.got.words()),
            // What is not there is no question of rules, and nothing that a row could be in the way of.
            Wish::Access { .. } if is_broken(&reply.got) => Verdict::Failed,
            Wish::Access { outcome, total } => {
                let rows = verdict(&Wanted::Access(*outcome), &reply.got);
                let rest = self.status(anon) == Some(reply.status) && *total == reply.total;
                if rows == Verdict::Passed && !rest { Verdict::Failed } else { rows }
            }
            Wish::Reached => match &reply.got {
                Got::Rows(_) => Verdict::Passed,
                Got::Error(..) => Verdict::Failed,
            },
            Wish::Called => match &reply.got {
                Got::Rows(_) => Verdict::Passed,
                // What is said of the arguments is the function's own; a name that is not there is nobody's.
                Got::Error(code, _, message) => match code.as_str() {
                    "42501" if is_of_call(message) => Verdict::Failed,
                    "42501" => Verdict::Passed,
                    code if code.starts_with("42") || code.starts_with("XX") => Verdict::Failed,
                    _ => Verdict::Passed,
                },
            },
            Wish::Uncallable => match &reply.got {
                Got::Error(code, _, message) if code == "42501" && is_of_call(message) => Verdict::Passed,
                _ => Verdict::Failed,
            },
        }
    }

    /// Whether something else than the rules may have refused it, so that it says more without the author's triggers.
    pub fn is_unclear(&self, reply: &Reply, anon: &str) -> bool {
        matches!(self.verdict(reply, anon), Verdict::NotSeen(_))
    }
}

/// Whether a name is not there, or a policy cannot be asked.
fn is_broken(got: &Got) -> bool {
    matches!(got, Got::Error(code, ..) if code.starts_with("42") && code != "42501")
}

/// Whether the call itself is refused, and not what the function does.
fn is_of_call(message: &str) -> bool {
    ["permission denied for function", "permission denied for schema"].iter().any(|start| message.starts_with(start))
}

/// What came, in words.
pub fn came(reply: &Reply) -> String {
    let all = reply.total.map(|total| format!(" of {total}")).unwrap_or_default();
    format!("{}, {}{all}", reply.status, reply.got.words())
}
