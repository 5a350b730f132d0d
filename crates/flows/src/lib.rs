//! What front-end code asks of the database, set against what its roles may do.
//!
//! [`scan`] is a pure function from texts and a catalog. [`syntax`] makes trees of the texts, [`scope`] and [`project`] say what
//! names in them stand for, [`eval`], [`client`] and [`call`] work out requests, [`check`], [`embed`] and [`other`] set these
//! against the schema, [`need`] and [`rights`] say whom they are refused to, and [`map`] writes down who asks for what.

mod call;
mod check;
mod client;
mod embed;
mod eval;
mod map;
mod need;
mod other;
mod project;
mod request;
mod rights;
mod scope;
mod script;
mod select;
mod syntax;
mod value;

pub use map::{json, markdown};
pub use script::EXTENSIONS;

use check::{Outcome, Schema};
use need::{Need, What};
use request::{Action, Client, Target};
use smol_str::SmolStr;
use specc_catalog::{Catalog, Command};
use specc_diag::{Diagnostic, Sources, Span, codes};

/// How long a file may be that is looked into, in bytes: longer ones are made by programs.
pub const LONGEST: usize = 2_000_000;

/// What was found.
#[derive(Debug, Default)]
pub struct Report {
    /// What is wrong, by place.
    pub findings: Vec<Diagnostic>,
    /// What is asked for, by place.
    pub flows: Vec<Flow>,
    /// What is not looked into since it is known only when the code runs, by place.
    pub open: Vec<(Span, String)>,
}

/// What something is asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A table or view.
    Rows,
    /// A function.
    Function,
    /// A bucket.
    Files,
    /// Changes of a table that are listened to.
    Changes,
}

/// Something that a piece of code asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Where.
    pub span: Span,
    /// Of what.
    pub kind: Kind,
    /// As whom: one of these.
    pub roles: Vec<SmolStr>,
    /// `read`, `insert`, `update`, `upsert`, `delete`, `call`, `listen`, or the method that is called for files.
    pub does: SmolStr,
    /// The table, view, function or bucket.
    pub what: SmolStr,
    /// Columns that it reads, `table.column` for those of other tables, `*` for all.
    pub reads: Vec<SmolStr>,
    /// Columns that it writes.
    pub writes: Vec<SmolStr>,
}

/// Looks at front-end code: `sources` has the files, by their paths in the folder. `roles` are those as which a client asks that
/// does not say as whom; `around` has the tables that a platform has besides the catalog's.
pub fn scan(sources: &Sources, catalog: &Catalog, around: &Catalog, roles: &[SmolStr]) -> Report {
    let project = project::Project::new(sources);
    let mut report = Report::default();
    for span in &project.broken {
        let message = "the code cannot be parsed here";
        report.findings.push(Diagnostic::new(codes::FLOW_UNREAD, *span, message).help("mend it, and look again"));
    }
    for file in &project.endless {
        let message = "this file is not looked into: the parser comes to no end in it";
        report.findings.push(Diagnostic::new(codes::FLOW_UNREAD, Span::new(*file, 0, 0), message));
    }
    let mut eval = eval::Eval::new(&project, roles);
    eval.run();
    let found = eval.found;
    let schema = Schema::new(catalog, around);
    report.open = found.open;
    for request in &found.requests {
        let outcome = schema.request(request);
        let (kind, does) = match &request.target {
            Target::Table(_) => (Kind::Rows, request.action.word()),
            Target::Function(..) => (Kind::Function, "call"),
        };
        let name = &request.name().text;
        let named = request.schema.as_ref().map(|schema| &schema.text).filter(|schema| *schema != "public");
        let what = named.map_or(name.clone(), |schema| format!("{schema}.{name}").into());
        let mut flow = flow(request.name().span, kind, &request.client, does, what);
        columns(&outcome.needs, &mut flow);
        flow.writes = request.writes.iter().map(|column| column.text.clone()).collect();
        flow.writes.sort();
        flow.writes.dedup();
        if request.action == Action::Select && flow.reads.is_empty() && matches!(request.target, Target::Table(_)) {
            flow.reads.push("?".into());
        }
        finish(&schema, &request.client, outcome, flow, &mut report);
    }
    for files in &found.files {
        let flow = flow(files.span, Kind::Files, &files.client, &files.method, files.bucket.text.clone());
        finish(&schema, &files.client, schema.files(files), flow, &mut report);
    }
    for listening in &found.listening {
        let table = listening.table.as_ref().map_or("*".into(), |table| table.text.clone());
        let flow = flow(listening.span, Kind::Changes, &listening.client, "listen", table);
        finish(&schema, &listening.client, schema.listening(listening), flow, &mut report);
    }
    specc_diag::sort(&mut report.findings);
    report.flows.sort();
    report.flows.dedup();
    report.open.sort();
    report.open.dedup();
    report
}

fn flow(span: Span, kind: Kind, client: &Client, does: &str, what: SmolStr) -> Flow {
    Flow { span, kind, roles: client.roles.clone(), does: does.into(), what, reads: Vec::new(), writes: Vec::new() }
}

fn finish(schema: &Schema<'_>, client: &Client, outcome: Outcome, flow: Flow, report: &mut Report) {
    report.findings.extend(outcome.findings);
    report.findings.extend(need::refused(&schema.rights, &client.roles, &outcome.needs));
    report.open.extend(outcome.open);
    report.flows.push(flow);
}

/// The columns that needs read.
fn columns(needs: &[Need], flow: &mut Flow) {
    for need in needs {
        let (relation, name) = match &need.what {
            What::Column(relation, name, Command::Select) => (relation, name.clone()),
            What::All(relation, _) => (relation, "*".into()),
            _ => continue,
        };
        let of = relation.shown();
        let name = if of == flow.what.as_str() { name } else { format!("{of}.{name}").into() };
        if !flow.reads.contains(&name) {
            flow.reads.push(name);
        }
    }
    flow.reads.sort();
}
