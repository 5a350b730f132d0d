//! Whether two objects are the same to Postgres: their expressions may be spelled differently.

use crate::sql_text::{default, same, same_option, same_text};
use smol_str::SmolStr;
use specc_catalog::{
    Body, Bounds, Column, Constraint, DataType, Function, Index, IndexKey, KeyOn, Object, Rule, SqlExpr, Table,
};

/// What differs between two objects of one id, in a few words; none where they are the same to Postgres, whose
/// expressions may be spelled differently.
pub fn difference(a: &Object, b: &Object) -> Option<String> {
    let different = |what: &str| Some(format!("what can be written would give it another {what}"));
    match (a, b) {
        (Object::Table(a), Object::Table(b)) => table(a, b).and_then(|what| different(&what)),
        (Object::Constraint(a), Object::Constraint(b)) => (!constraint(a, b)).then_some("rule").and_then(different),
        (Object::Index(a), Object::Index(b)) => (!index(a, b)).then_some("definition").and_then(different),
        (Object::Function(a), Object::Function(b)) => function(a, b).and_then(different),
        (Object::View(a), Object::View(b)) => {
            let mut other = b.clone();
            let query = |q: &str| q.trim().trim_end_matches(';').trim_end().to_owned();
            if query(&a.query) == query(&b.query) {
                other.query = a.query.clone();
            }
            (*a != other).then_some("definition").and_then(different)
        }
        (Object::Trigger(a), Object::Trigger(b)) => {
            let mut other = b.clone();
            if same_option(a.when.as_ref(), b.when.as_ref()) {
                other.when = a.when.clone();
            }
            (*a != other).then_some("definition").and_then(different)
        }
        (Object::Policy(a), Object::Policy(b)) => {
            let mut other = b.clone();
            if same_option(a.using.as_ref(), b.using.as_ref()) {
                other.using = a.using.clone();
            }
            if same_option(a.check.as_ref(), b.check.as_ref()) {
                other.check = a.check.clone();
            }
            (*a != other).then_some("condition or role").and_then(different)
        }
        (Object::Domain(a), Object::Domain(b)) => {
            let mut other = b.clone();
            if same_default(a.default.as_ref(), b.default.as_ref(), &a.base) {
                other.default = a.default.clone();
            }
            let checks = a.checks.iter().zip(&mut other.checks);
            for ((_, mine), (_, theirs)) in checks {
                if same(mine, theirs) {
                    *theirs = mine.clone();
                }
            }
            (*a != other).then_some("definition").and_then(different)
        }
        (Object::PublicationTable(a), Object::PublicationTable(b)) => {
            let mut other = b.clone();
            if same_option(a.filter.as_ref(), b.filter.as_ref()) {
                other.filter = a.filter.clone();
            }
            (*a != other).then_some("filter").and_then(different)
        }
        (Object::Job(a), Object::Job(b)) => {
            let same = a.schedule == b.schedule && a.command.trim() == b.command.trim();
            (!same).then_some("command").and_then(different)
        }
        (a, b) => (a != b).then_some("definition").and_then(different),
    }
}

fn same_default(a: Option<&SqlExpr>, b: Option<&SqlExpr>, ty: &DataType) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => same_text(default(&a.text, ty), default(&b.text, ty)),
        (None, None) => true,
        _ => false,
    }
}

fn table(a: &Table, b: &Table) -> Option<String> {
    if a.columns.len() != b.columns.len() {
        return Some("number of columns".into());
    }
    if let Some((column, _)) = a.columns.iter().zip(&b.columns).find(|(a, b)| !self::column(a, b)) {
        return Some(format!("column `{}`", column.name));
    }
    let mut other = Table { columns: a.columns.clone(), ..b.clone() };
    match (&a.partition_by, &mut other.partition_by) {
        (Some(mine), Some(theirs)) if mine.method == theirs.method && keys(&mine.keys, &theirs.keys) => {
            *theirs = mine.clone();
        }
        _ => {}
    }
    match (&a.partition_of, &mut other.partition_of) {
        (Some((table, mine)), Some((same, theirs))) if table == same && bounds(mine, theirs) => *theirs = mine.clone(),
        _ => {}
    }
    (*a != other).then(|| {
        let what = [
            (a.unlogged != b.unlogged, "durability"),
            (a.partition_by != other.partition_by, "way of being partitioned"),
            (a.partition_of != other.partition_of, "partition"),
            (a.rls != b.rls, "row level security"),
            (a.options != b.options, "storage settings"),
        ];
        what.into_iter().find(|(differs, _)| *differs).map_or("definition", |(_, what)| what).into()
    })
}

/// The columns that differ, of tables with as many.
pub(crate) fn columns(a: &Table, b: &Table) -> Vec<SmolStr> {
    if a.columns.len() != b.columns.len() {
        return Vec::new();
    }
    let pairs = a.columns.iter().zip(&b.columns);
    pairs.filter(|(a, b)| !column(a, b)).map(|(a, _)| a.name.clone()).collect()
}

/// Whatever is said of them.
pub(crate) fn column(a: &Column, b: &Column) -> bool {
    let mut other = Column { comment: a.comment.clone(), ..b.clone() };
    if same_default(a.default.as_ref(), b.default.as_ref(), &a.ty) {
        other.default = a.default.clone();
    }
    if same_option(a.generated.as_deref(), b.generated.as_deref()) {
        other.generated = a.generated.clone();
    }
    *a == other
}

fn bounds(a: &Bounds, b: &Bounds) -> bool {
    let list = |a: &[SqlExpr], b: &[SqlExpr]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b));
    match (a, b) {
        (Bounds::Range { from: a, to: b }, Bounds::Range { from: c, to: d }) => list(a, c) && list(b, d),
        (Bounds::List(a), Bounds::List(b)) => list(a, b),
        (a, b) => a == b,
    }
}

fn keys(a: &[IndexKey], b: &[IndexKey]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| key(a, b))
}

fn key(a: &IndexKey, b: &IndexKey) -> bool {
    let on = match (&a.on, &b.on) {
        (KeyOn::Expr(a), KeyOn::Expr(b)) => same(a, b),
        (a, b) => a == b,
    };
    on && *a == IndexKey { on: a.on.clone(), ..b.clone() }
}

fn constraint(a: &Constraint, b: &Constraint) -> bool {
    let mut other = b.clone();
    let alike = match (&a.rule, &b.rule) {
        (Rule::Check { expr: mine, no_inherit: x }, Rule::Check { expr: theirs, no_inherit: y }) => {
            x == y && same(mine, theirs)
        }
        (
            Rule::Exclude { method: m, elements: mine, filter: f },
            Rule::Exclude { method: n, elements: theirs, filter: g },
        ) => {
            m == n
                && mine.len() == theirs.len()
                && mine.iter().zip(theirs).all(|((a, x), (b, y))| x == y && key(a, b))
                && same_option(f.as_ref(), g.as_ref())
        }
        (a, b) => a == b,
    };
    if alike {
        other.rule = a.rule.clone();
    }
    *a == other
}

fn index(a: &Index, b: &Index) -> bool {
    let mut other = b.clone();
    if keys(&a.keys, &b.keys) {
        other.keys = a.keys.clone();
    }
    if same_option(a.filter.as_ref(), b.filter.as_ref()) {
        other.filter = a.filter.clone();
    }
    *a == other
}

fn function(a: &Function, b: &Function) -> Option<&'static str> {
    let mut other = b.clone();
    for (mine, theirs) in a.params.iter().zip(&mut other.params) {
        if same_default(mine.default.as_ref(), theirs.default.as_ref(), &mine.ty) {
            theirs.default = mine.default.clone();
        }
    }
    if let (Body::Atomic(mine), Body::Atomic(theirs)) = (&a.body, &b.body)
        && mine.trim() == theirs.trim()
    {
        other.body = a.body.clone();
    }
    let what = [
        (a.params != other.params, "list of parameters"),
        (a.returns != other.returns, "result"),
        (a.body != other.body, "body"),
        (a.settings != other.settings, "setting"),
        (*a != other, "attribute"),
    ];
    what.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
}
