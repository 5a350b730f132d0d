//! What a request needs, and whom it is refused to.

use crate::rights::{Granted, Rights};
use smol_str::SmolStr;
use specc_catalog::{Command, Kind, ObjectId, TableName};
use specc_diag::{Code, Diagnostic, Span, codes};

/// Something that a role has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Need {
    pub what: What,
    pub span: Span,
}

/// What has to be allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// To look up names in a schema.
    Schema(SmolStr),
    /// To do something to rows of a table or view at all.
    Rows(Relation, Command),
    /// To read or write a column.
    Column(Relation, SmolStr, Command),
    /// To read a column as one of all, which are these.
    All(Relation, Vec<SmolStr>),
    /// To read a column by which an embedded relation is joined.
    Joined(Relation, SmolStr, SmolStr),
    /// To read what a view reads: a relation, and a column of it.
    Through(String, Relation, Option<SmolStr>),
    /// To call one of these functions of a name.
    Execute(Vec<ObjectId>),
}

/// A table or view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relation {
    pub name: TableName,
    pub id: ObjectId,
}

impl Relation {
    pub(crate) fn new(name: &TableName, is_table: bool) -> Self {
        let kind = if is_table { Kind::Table } else { Kind::View };
        Self { name: name.clone(), id: ObjectId::new(kind, name.schema.clone(), name.name.clone()) }
    }

    /// Its name, without the schema that everyone has.
    pub(crate) fn shown(&self) -> String {
        shown(&self.name)
    }
}

/// A name, without the schema that everyone has.
pub(crate) fn shown(name: &TableName) -> String {
    if name.schema == "public" { name.name.to_string() } else { format!("{}.{}", name.schema, name.name) }
}

/// The privilege for a command.
fn privilege(command: Command) -> &'static str {
    match command {
        Command::Insert => "insert",
        Command::Update => "update",
        Command::Delete => "delete",
        Command::Select | Command::All => "select",
    }
}

/// As a sentence has it.
fn verb(command: Command) -> &'static str {
    match command {
        Command::Insert => "insert into",
        Command::Update => "update",
        Command::Delete => "delete from",
        Command::Select | Command::All => "read",
    }
}

/// What is refused to a role.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refusal {
    span: Span,
    /// Behind `may not`, or behind `lets`.
    text: String,
    by_policy: bool,
    help: Option<String>,
    /// What `by whom` is asked of.
    what: What,
}

fn refusal(rights: &Rights<'_>, role: &str, need: &Need) -> Option<Refusal> {
    let column = |relation: &Relation, column: &SmolStr| format!("`{}.{column}`", relation.shown());
    let (text, by_policy) = match &need.what {
        What::Schema(schema) => {
            let open = schema == "public"
                || !rights.granted(role, &ObjectId::new(Kind::Schema, "", schema.clone()), "usage").is_none();
            (!open).then(|| (format!("use the schema `{schema}`"), false))?
        }
        What::Rows(relation, command) => {
            let text = format!("{} `{}`", verb(*command), relation.shown());
            if rights.granted(role, &relation.id, privilege(*command)).is_none() {
                (text, false)
            } else if !rights.is_let(role, &relation.name, *command) {
                (text, true)
            } else {
                return None;
            }
        }
        What::Column(relation, name, command) => {
            let granted = rights.granted(role, &relation.id, privilege(*command));
            // Where nothing is granted, the rows are what is refused.
            if granted.is_none() || granted.has(name) {
                return None;
            }
            let word = if *command == Command::Select { "read" } else { "write" };
            (format!("{word} {}", column(relation, name)), false)
        }
        What::All(relation, columns) => {
            let granted = rights.granted(role, &relation.id, "select");
            let closed: Vec<&SmolStr> = columns.iter().filter(|column| !granted.has(column)).collect();
            if granted.is_none() || closed.is_empty() {
                return None;
            }
            let names = closed.iter().map(|name| column(relation, name)).collect::<Vec<_>>().join(", ");
            let open: Vec<&str> = columns.iter().filter(|column| granted.has(column)).map(SmolStr::as_str).collect();
            let help = format!("name the columns: `{}`", open.join(", "));
            let text = format!("read {names}, and this reads all columns");
            return Some(Refusal {
                span: need.span,
                text,
                by_policy: false,
                help: Some(help),
                what: need.what.clone(),
            });
        }
        What::Joined(relation, name, with) => {
            let granted = rights.granted(role, &relation.id, "select");
            if granted.is_none() || granted.has(name) {
                return None;
            }
            (format!("read {}, by which `{with}` is joined", column(relation, name)), false)
        }
        What::Through(view, relation, name) => {
            let granted = rights.granted(role, &relation.id, "select");
            let what = match name {
                None if granted.is_none() || !rights.is_let(role, &relation.name, Command::Select) => relation.shown(),
                Some(name) if !granted.is_none() && !granted.has(name) => format!("{}.{name}", relation.shown()),
                _ => return None,
            };
            (
                format!("read `{what}`, which `{view}` reads with the rights of who asks"),
                !granted.is_none() && name.is_none(),
            )
        }
        What::Execute(functions) => {
            if functions.iter().any(|id| rights.granted(role, id, "execute") == Granted::All) {
                return None;
            }
            let name = functions.first().map(|id| shown(&TableName::new(id.schema.clone(), id.name.clone())))?;
            (format!("call `{name}`"), false)
        }
    };
    Some(Refusal { span: need.span, text, by_policy, help: None, what: need.what.clone() })
}

/// What is refused of a request that is made as one of these roles: nothing where one of them may all of it, else what the
/// role may not that is refused least.
pub(crate) fn refused(rights: &Rights<'_>, roles: &[SmolStr], needs: &[Need]) -> Vec<Diagnostic> {
    let all: Vec<(&SmolStr, Vec<Refusal>)> = roles
        .iter()
        .map(|role| {
            let mut found: Vec<Refusal> = needs.iter().filter_map(|need| refusal(rights, role, need)).collect();
            found.sort_by(|a, b| (a.span, &a.text).cmp(&(b.span, &b.text)));
            found.dedup();
            (role, found)
        })
        .collect();
    let Some((best, refusals)) = all.iter().rev().min_by_key(|(_, found)| found.len()) else { return Vec::new() };
    let finding = |refusal: &Refusal| {
        let also = |(_, found): &&(&SmolStr, Vec<Refusal>)| {
            found.iter().any(|other| other.text == refusal.text && other.by_policy == refusal.by_policy)
        };
        let both = all.iter().filter(also).count() == all.len() && all.len() > 1;
        let names = roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>();
        let message = match (both, refusal.by_policy) {
            (true, false) => format!("neither {} may {}", names.join(" nor "), refusal.text),
            (false, false) => format!("`{best}` may not {}", refusal.text),
            (true, true) => format!("no policy lets {} {}", names.join(" or "), refusal.text),
            (false, true) => format!("no policy lets `{best}` {}", refusal.text),
        };
        let need = Need { what: refusal.what.clone(), span: refusal.span };
        let others = rights.roles.iter().filter(|role| !roles.contains(role) && is_allowed(rights, role, &need));
        let others: Vec<String> = others.map(|role| format!("`{role}`")).collect();
        let help = refusal.help.clone().or_else(|| match others.len() {
            0 => Some("open it in a rule of the spec, or leave it out here".to_owned()),
            1 => Some(format!("{} may: ask as that role, or open it in a rule of the spec", others[0])),
            _ => Some(format!("{} may: ask as one of them, or open it in a rule of the spec", others.join(" and "))),
        });
        Diagnostic::new(REFUSED, refusal.span, message).maybe_help(help)
    };
    refusals.iter().map(finding).collect()
}

const REFUSED: Code = codes::FLOW_REFUSED;

/// Whether a role is refused nothing of a need.
fn is_allowed(rights: &Rights<'_>, role: &str, need: &Need) -> bool {
    let any = match &need.what {
        What::Column(relation, _, command) => Some((relation, privilege(*command))),
        What::Joined(relation, ..) | What::All(relation, _) | What::Through(_, relation, _) => {
            Some((relation, "select"))
        }
        _ => None,
    };
    any.is_none_or(|(relation, privilege)| !rights.granted(role, &relation.id, privilege).is_none())
        && refusal(rights, role, need).is_none()
}
