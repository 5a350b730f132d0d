//! Rows that a later file of a change would not take: they are counted before the first one changes anything. What
//! another type does not take is asked where the type changes (`strategies/convert.rs`).

use crate::place::State;
use crate::planner::Builder;
use crate::schedule::{Stage, Step};
use rustc_hash::FxHashSet;
use specc_analysis::Target;
use specc_analysis::catalog::Known;
use specc_catalog::{Constraint, ForeignKey, Index, KeyOn, Kind, Object, Rule, SqlExpr, Table, TableName};
use specc_sql::quote::{ident, qualified};
use specc_sql::{Alter, Misfit, Statement, Transaction};

/// Puts what counts them in front of the first file, where there are several.
pub(crate) fn first<'d>(builder: &Builder<'d, '_>, stages: &mut [Stage<'d>]) {
    if stages.len() < 2 {
        return;
    }
    let search = Search { builder, texts: Known::new(builder.to.catalog) };
    let mut found: Vec<Misfit<'d>> =
        stages.iter().flat_map(Stage::statements).filter_map(|statement| search.of(statement)).collect();
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
            _ => None,
        }
    }

    fn lasts(&self, object: &Object) -> bool {
        self.builder.to.contains(&object.id())
    }

    /// A table as it is before the change, where the change does not give it or a column another name.
    fn table(&self, name: &TableName) -> Option<&'d Table> {
        let table = self.builder.from.table(name)?;
        let id = name.id();
        let renamed =
            self.builder.set.renamed.iter().any(|renamed| {
                renamed.now == id || renamed.now.kind == Kind::Schema && renamed.now.name == name.schema
            });
        (!renamed).then_some(table)
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

    fn name(table: &TableName) -> String {
        qualified(&table.schema, &table.name)
    }

    fn null(&self, table: &'d TableName, column: &str) -> Option<Misfit<'d>> {
        let o = self.table(table)?;
        // Those of a new column, and of one that is filled, are not there yet.
        if !self.stays(o, column) {
            return None;
        }
        let own = o.columns.iter().find(|own| own.name == column)?;
        let is_null = self.builder.is_null(&ident(column), &own.ty, false);
        Some(Misfit {
            table,
            other: None,
            rows: self.text(format!("from {} where {is_null}", Self::name(table))),
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
        Some(Misfit {
            table: &o.table,
            other: None,
            rows: self.text(format!("from {} where not ({})", Self::name(&o.table), expr.text)),
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
        let there = all(" and ", &|at| format!("t.{} is not null", ident(&key.columns[at])));
        let one = all(" or ", &|at| format!("t.{} is not null", ident(&key.columns[at])));
        let same = |at: usize| {
            let referred = key.target_columns.get(at).map_or("", |column| column.as_str());
            format!("r.{} = t.{}", ident(referred), ident(&key.columns[at]))
        };
        let refers = if key.match_full { format!("({one})") } else { there };
        Some(Misfit {
            table: &o.table,
            other: Some(&target.table),
            rows: self.text(format!(
                "from {} as t where {refers} and not exists (select from {} as r where {})",
                Self::name(&o.table),
                Self::name(&target.table),
                all(" and ", &same)
            )),
            groups: None,
            what: self.text(format!(
                "in {} what no row of {}.{} has",
                key.columns.join(", "),
                target.table.schema,
                target.table.name
            )),
            code: "foreign_key_violation",
        })
    }

    fn unique(&self, index: &Index) -> Option<Misfit<'d>> {
        let o = self.table(&index.table)?;
        let mut keys = Vec::new();
        let lasts = self.lasts(&Object::from(index.clone()));
        for key in &index.keys {
            let text = match &key.on {
                KeyOn::Column(column) if self.stays(o, column) => ident(column).into_owned(),
                KeyOn::Expr(expr) if lasts && self.says_the_same(o, expr) => format!("({})", expr.text),
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
            conditions.push(format!("({})", filter.text));
        }
        if !index.nulls_not_distinct {
            conditions.extend(keys.iter().map(|key| format!("{key} is not null")));
        }
        let condition =
            if conditions.is_empty() { String::new() } else { format!(" where {}", conditions.join(" and ")) };
        let list = keys.join(", ");
        Some(Misfit {
            table: &o.table,
            other: None,
            rows: self.text(format!("from {}{condition} group by {list} having count(*) > 1", Self::name(&o.table))),
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
