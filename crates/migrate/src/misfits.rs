//! Rows that a later file of a change would not take: they are counted before the first one changes anything. What
//! another type does not take is asked where the type changes (`strategies/convert.rs`).

use crate::account::{called_before, column_before};
use crate::place::State;
use crate::planner::Builder;
use crate::schedule::{Stage, Step};
use crate::strategies::moved_table::misfit::within;
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use specc_analysis::Target;
use specc_analysis::catalog::{Known, Quotes, rewritten};
use specc_catalog::{Constraint, ForeignKey, Index, KeyOn, Kind, Object, Rule, SqlExpr, Table, TableName};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Misfit, Statement, Transaction};

/// Puts what counts them in front of the first file, where there are several.
pub(crate) fn first<'d>(builder: &Builder<'d, '_>, stages: &mut [Stage<'d>]) {
    let search = Search { builder, texts: Known::new(builder.to.catalog) };
    let statements = || stages.iter().flat_map(Stage::statements);
    let mut found: Vec<Misfit<'d>> = match stages.len() {
        // What is one transaction stops by itself, and says which rows it is about, but for parts.
        0 | 1 if builder.options.one => return,
        0 | 1 => statements().filter_map(|statement| search.outside(statement)).collect(),
        _ => statements().filter_map(|statement| search.of(statement)).collect(),
    };
    let mut seen = FxHashSet::default();
    found.retain(|misfit| seen.insert((misfit.table, misfit.rows)));
    let steps = found.into_iter().map(|misfit| Step {
        statement: Statement::Alter(Alter::RefuseRows(misfit)),
        object: None,
        home: None,
    });
    if let Some(stage) = stages.first_mut() {
        stage.steps.splice(0..0, steps);
    }
}

struct Search<'b, 'd, 's> {
    builder: &'b Builder<'d, 's>,
    texts: Known<'d>,
}

impl<'d> Search<'_, 'd, '_> {
    fn of(&self, statement: &Statement<'d>) -> Option<Misfit<'d>> {
        match statement {
            Statement::Alter(Alter::SetNotNull { table, column, proven: true }) => self.null(table, column),
            // What is there for the time of the change only is about columns that are not there yet.
            Statement::Validate(constraint) if !self.lasts(&Object::from((*constraint).clone())) => None,
            Statement::Validate(constraint) => match &constraint.rule {
                Rule::Check { expr, .. } => self.check(constraint, expr),
                Rule::ForeignKey(key) => self.reference(constraint, key),
                _ => None,
            },
            Statement::CreateIndexConcurrently(index) if index.unique => self.unique(index),
            statement => self.outside(statement),
        }
    }

    /// Rows of a part that has no place for them any more.
    fn outside(&self, statement: &Statement<'d>) -> Option<Misfit<'d>> {
        let Statement::Alter(Alter::Attach { partition }) = statement else { return None };
        let (of, bounds) = partition.partition_of.as_ref()?;
        let before = self.builder.from.table(&partition.table)?;
        let (of_before, bounds_before) = before.partition_of.as_ref()?;
        let whole = self.builder.to.table(of).filter(|_| of == of_before && bounds != bounds_before)?;
        let known = self.builder.from.table(of)?;
        let divides = |key: &specc_catalog::IndexKey| match &key.on {
            KeyOn::Column(column) => Some(ident(&self.column(&whole.table, column)).into_owned()),
            KeyOn::Expr(expr) if self.says_the_same(known, expr) => Some(format!("({})", self.before(of, &expr.text)?)),
            KeyOn::Expr(_) => None,
        };
        let keys: Vec<String> = whole.partition_by.as_ref()?.keys.iter().map(divides).collect::<Option<_>>()?;
        // Another part may take them.
        let parts = State::iter(self.builder.to).filter_map(|(_, entry)| match &entry.object {
            Object::Table(part) => {
                part.partition_of.as_ref().filter(|(other, _)| other == of).map(|(_, bounds)| bounds)
            }
            _ => None,
        });
        let all: Vec<String> = parts.map(|bounds| within(&keys, bounds)).collect::<Option<_>>()?;
        let within = all.join(" or ");
        let (table, name) = self.called(before);
        Some(Misfit {
            table,
            other: None,
            rows: self.text(format!("from {name} where ({within}) is not true")),
            groups: None,
            what: "no place in any partition under the new bounds",
            code: "check_violation",
        })
    }

    fn lasts(&self, object: &Object) -> bool {
        self.builder.to.contains(&object.id())
    }

    /// A table as it is before the change.
    fn table(&self, name: &TableName) -> Option<&'d Table> {
        self.builder.from.table(name)
    }

    /// What a table is called before the change: as data, and quoted.
    fn called(&self, table: &Table) -> (&'d TableName, String) {
        let name = called_before(self.builder.set.renamed, &table.table.id());
        let quoted = qualified(&name.schema, &name.name);
        (self.builder.arena.table_name(name), quoted)
    }

    /// What a column is called before the change.
    fn column(&self, table: &TableName, column: &SmolStr) -> SmolStr {
        column_before(self.builder.set.renamed, &table.id(), column)
    }

    /// An expression over a table in the words of before the change; none where it may speak of something by a new name that
    /// is not known for one.
    fn before(&self, table: &TableName, text: &str) -> Option<String> {
        let renamed = self.builder.set.renamed;
        if renamed.is_empty() {
            return Some(text.to_owned());
        }
        let new = |target: &Target| {
            let id = self.texts.id(target)?;
            let was = called_before(renamed, &id);
            let name = match target {
                Target::Column(_, name) | Target::Label(_, name) => column_before(renamed, &id, name),
                _ => was.name,
            };
            Some((was.schema, name))
        };
        let references = self.texts.of_table(table, text).references;
        let before = rewritten(text, &references, Quotes::Needed, &new).unwrap_or_else(|| text.to_owned());
        let labels = renamed.iter().filter(|renamed| renamed.now.kind == Kind::Enum);
        let mut labels = labels.filter_map(|renamed| renamed.part.as_ref());
        (!labels.any(|(_, now)| before.contains(now.as_str()))).then_some(before)
    }

    /// Whether a column has the values now that it will have when it is looked at.
    fn stays(&self, table: &Table, column: &str) -> bool {
        let now = table.columns.iter().find(|own| own.name == column);
        let then = self.builder.to.table(&table.table).and_then(|o| o.columns.iter().find(|own| own.name == column));
        let same = now.zip(then).is_some_and(|(now, then)| {
            now.ty == then.ty && now.generated == then.generated && now.collation == then.collation
        });
        same && self.builder.hints.backfill(&table.table, column).is_none()
    }

    /// Whether an expression over a table says now what it will say then: all that it names is as it was.
    fn says_the_same(&self, table: &Table, expr: &SqlExpr) -> bool {
        let analysis = self.texts.of_table(&table.table, &expr.text);
        let object = |target: &Target| {
            let Some(id) = self.texts.id(target) else { return true };
            let same = |state: &dyn Fn() -> Option<&'d Object>| state().cloned();
            let before = same(&|| self.builder.from.get(&id).map(|entry| &entry.object));
            let after = same(&|| self.builder.to.get(&id).map(|entry| &entry.object));
            before == after
        };
        expr.columns.iter().all(|column| self.stays(table, column))
            && analysis.references.iter().all(|found| match &found.target {
                Target::Column(of, name) if of.name == table.table.name && of.schema == table.table.schema => {
                    self.stays(table, name)
                }
                Target::Columns(_) => false,
                target => object(target),
            })
    }

    fn text(&self, text: String) -> &'d str {
        self.builder.arena.text(text)
    }

    fn null(&self, table: &'d TableName, column: &str) -> Option<Misfit<'d>> {
        let o = self.table(table)?;
        // Those of a new column, and of one that is filled, are not there yet.
        if !self.stays(o, column) {
            return None;
        }
        let own = o.columns.iter().find(|own| own.name == column)?;
        let column = self.column(table, &own.name);
        let is_null = self.builder.is_null(&ident(&column), &own.ty, false);
        let (table, name) = self.called(o);
        Some(Misfit {
            table,
            other: None,
            rows: self.text(format!("from {name} where {is_null}")),
            groups: None,
            what: self.text(format!("no value in {column}, which is to be required")),
            code: "not_null_violation",
        })
    }

    fn check(&self, constraint: &Constraint, expr: &SqlExpr) -> Option<Misfit<'d>> {
        let o = self.table(&constraint.table)?;
        if !self.says_the_same(o, expr) {
            return None;
        }
        let text = self.before(&o.table, &expr.text)?;
        let (table, name) = self.called(o);
        Some(Misfit {
            table,
            other: None,
            rows: self.text(format!("from {name} where not ({text})")),
            groups: None,
            what: self.text(format!("what the check {} refuses", constraint.name)),
            code: "check_violation",
        })
    }

    fn reference(&self, constraint: &Constraint, key: &ForeignKey) -> Option<Misfit<'d>> {
        let (o, target) = (self.table(&constraint.table)?, self.table(&key.target)?);
        let fed = self.builder.set.rows.iter().any(|change| change.seed.table == key.target);
        if fed
            || !key.columns.iter().all(|column| self.stays(o, column))
            || !key.target_columns.iter().all(|column| self.stays(target, column))
        {
            return None;
        }
        let all = |joined: &str, each: &dyn Fn(usize) -> String| {
            (0..key.columns.len()).map(each).collect::<Vec<_>>().join(joined)
        };
        let columns: Vec<SmolStr> = key.columns.iter().map(|column| self.column(&o.table, column)).collect();
        let referred: Vec<SmolStr> = key.target_columns.iter().map(|own| self.column(&target.table, own)).collect();
        let there = all(" and ", &|at| format!("t.{} is not null", ident(&columns[at])));
        let one = all(" or ", &|at| format!("t.{} is not null", ident(&columns[at])));
        let same = |at: usize| {
            let referred = referred.get(at).map_or("", |column| column.as_str());
            format!("r.{} = t.{}", ident(referred), ident(&columns[at]))
        };
        let ((table, name), (other, of)) = (self.called(o), self.called(target));
        let refers = if key.match_full { format!("({one})") } else { there };
        Some(Misfit {
            table,
            other: Some(other),
            rows: self.text(format!(
                "from {name} as t where {refers} and not exists (select from {of} as r where {})",
                all(" and ", &same)
            )),
            groups: None,
            what: self.text(format!("in {} what no row of {}.{} has", columns.join(", "), other.schema, other.name)),
            code: "foreign_key_violation",
        })
    }

    fn unique(&self, index: &Index) -> Option<Misfit<'d>> {
        let o = self.table(&index.table)?;
        let mut keys = Vec::new();
        let lasts = self.lasts(&Object::from(index.clone()));
        for key in &index.keys {
            let text = match &key.on {
                KeyOn::Column(column) if self.stays(o, column) => ident(&self.column(&o.table, column)).into_owned(),
                KeyOn::Expr(expr) if lasts && self.says_the_same(o, expr) => {
                    format!("({})", self.before(&o.table, &expr.text)?)
                }
                _ => return None,
            };
            let collated = key.collation.as_ref().map(|of| format!(" collate {}", qualified(&of.schema, &of.name)));
            keys.push(text + &collated.unwrap_or_default());
        }
        if self.was_unique(o, index) {
            return None;
        }
        let mut conditions = Vec::new();
        if let Some(filter) = &index.filter {
            if !lasts || !self.says_the_same(o, filter) {
                return None;
            }
            conditions.push(format!("({})", self.before(&o.table, &filter.text)?));
        }
        if !index.nulls_not_distinct {
            conditions.extend(keys.iter().map(|key| format!("{key} is not null")));
        }
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
        let list = keys.join(", ");
        let (table, name) = self.called(o);
        Some(Misfit {
            table,
            other: None,
            rows: self.text(format!("from {name}{condition} group by {list} having count(*) > 1")),
            groups: Some(self.text(list.clone())),
            what: self.text(format!("the same {list} as another row, which {} refuses", index.name)),
            code: "unique_violation",
        })
    }

    /// Whether what is there keeps these columns unique already.
    fn was_unique(&self, table: &Table, index: &Index) -> bool {
        let columns: Vec<_> = index
            .keys
            .iter()
            .filter_map(|key| match &key.on {
                KeyOn::Column(name) => Some(name),
                KeyOn::Expr(_) => None,
            })
            .collect();
        let within = |own: &[specc_catalog::IndexKey]| {
            own.iter().all(|key| matches!(&key.on, KeyOn::Column(name) if columns.contains(&name)))
        };
        !index.nulls_not_distinct
            && State::iter(self.builder.from).any(|(_, entry)| match &entry.object {
                Object::Index(o) => o.table == table.table && o.unique && o.filter.is_none() && within(&o.keys),
                Object::Constraint(o) => match &o.rule {
                    Rule::PrimaryKey { columns: own, .. } | Rule::Unique { columns: own, .. } => {
                        o.table == table.table && own.iter().all(|name| columns.contains(&name))
                    }
                    _ => false,
                },
                _ => false,
            })
    }
}

/// Whether a statement only looks at rows. In a file that runs step by step it is a transaction of its own, so that nothing
/// was done where it refuses.
pub(crate) fn is_alone(stage: &Stage<'_>, statement: &Statement<'_>) -> bool {
    stage.transaction == Transaction::Outside
        && matches!(statement, Statement::Alter(Alter::RefuseRows(_) | Alter::Convert(_)))
}
