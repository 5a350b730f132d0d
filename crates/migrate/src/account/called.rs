//! What tables and views were called when a file began, by what they are called on its way.

use crate::schedule::{Plan, Stage};
use smol_str::SmolStr;
use specc_catalog::{Object, TableName};
use specc_sql::{Alter, Statement};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Names that a file gives, in order: what was called, and what it is called then.
#[derive(Default)]
pub(super) struct Called {
    given: Vec<Given>,
    /// Where names are given: what the plan made, as it is called by now, and nobody uses yet.
    fresh: Option<BTreeSet<TableName>>,
}

enum Given {
    Table(TableName, TableName),
    Schema(SmolStr, SmolStr),
}

impl Called {
    /// At the beginning of a file.
    pub fn new<'d>(plan: &Plan<'d>, stage: &Stage<'d>) -> Self {
        let mut called = Self::default();
        if !stage.statements().any(|statement| given(statement).is_some()) {
            return called;
        }
        let mut fresh = BTreeSet::new();
        for earlier in plan.stages.iter().take_while(|earlier| !std::ptr::eq(*earlier, stage)) {
            for statement in earlier.statements() {
                fresh.extend(made(plan, statement));
                // What has its place by then is used.
                if let Some(Given::Table(was, _)) = given(statement) {
                    fresh.remove(&was);
                }
            }
        }
        called.fresh = Some(fresh);
        called
    }

    /// Follows a statement.
    pub fn step<'d>(&mut self, plan: &Plan<'d>, statement: &Statement<'d>) {
        let Some(fresh) = &mut self.fresh else { return };
        fresh.extend(made(plan, statement));
        let given = given(statement);
        if let Some(Given::Table(was, now)) = &given
            && fresh.remove(was)
        {
            fresh.insert(now.clone());
        }
        self.given.extend(given);
    }

    /// Whether others may be using what has this name by now; none where a name is one thing all the time.
    pub fn is_in_use(&self, now: &TableName) -> Option<bool> {
        self.fresh.as_ref().map(|fresh| !fresh.contains(now))
    }

    /// What it was called when the file began.
    pub fn before<'t>(&self, now: &'t TableName) -> Cow<'t, TableName> {
        let mut table = Cow::Borrowed(now);
        for given in self.given.iter().rev() {
            match given {
                Given::Table(was, now) if *now == *table => table = Cow::Owned(was.clone()),
                Given::Schema(was, now) if *now == table.schema => table.to_mut().schema.clone_from(was),
                _ => {}
            }
        }
        table
    }
}

fn given(statement: &Statement<'_>) -> Option<Given> {
    let table = |object: &Object| match object {
        Object::Table(o) => Some(o.table.clone()),
        Object::View(o) => Some(o.view.clone()),
        _ => None,
    };
    let (was, now) = match statement {
        Statement::Alter(Alter::Rename { from: Object::Schema(schema), to }) => {
            return Some(Given::Schema(schema.name.clone(), SmolStr::new(to)));
        }
        Statement::Alter(Alter::Rename { from, to }) => {
            let was = table(from)?;
            let now = TableName::new(was.schema.clone(), *to);
            (was, now)
        }
        Statement::Alter(Alter::SetSchema { from, to }) => {
            let was = table(from)?;
            let now = TableName::new(*to, was.name.clone());
            (was, now)
        }
        _ => return None,
    };
    Some(Given::Table(was, now))
}

/// What a statement makes that was not there before.
fn made<'d>(plan: &Plan<'d>, statement: &Statement<'d>) -> Option<TableName> {
    let (made, _) = Plan::makes(statement)?;
    (!plan.is_in_use(made)).then(|| made.clone())
}
