//! How many objects of each kind come, go and change.

use crate::render::count;
use crate::schedule::Stage;
use specc_catalog::{Catalog, Kind};
use specc_diff::Difference;
use specc_sql::Statement;
use std::collections::BTreeMap;
use std::fmt;

/// Numbers of objects.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    /// By kind: `+`, `-` or `~`; none in a first migration.
    objects: BTreeMap<(Kind, Option<char>), usize>,
    renames: usize,
    grants: usize,
    rows: usize,
}

impl Counts {
    /// Of a change.
    pub fn changed(difference: &Difference<'_>) -> Self {
        let mut counts = Self::default();
        let kind = |catalog: &Catalog, place: u32| catalog.at(place as usize).map(|(id, _)| id.kind);
        let added = difference.added.iter().filter_map(|&place| Some((kind(difference.to, place)?, '+')));
        let removed = difference.removed.iter().filter_map(|&place| Some((kind(&difference.from, place)?, '-')));
        let changed = difference.changed.iter().filter_map(|&(_, place)| Some((kind(difference.to, place)?, '~')));
        for (kind, sign) in added.chain(removed).chain(changed) {
            *counts.objects.entry((kind, Some(sign))).or_default() += 1;
        }
        counts.renames = difference.renamed.len() + difference.relabelled.len();
        counts.rows = difference.rows.iter().map(|change| change.seed.rows.len()).sum();
        counts
    }

    /// Of a file of a first migration.
    pub fn made(catalog: &Catalog, stage: &Stage<'_>) -> Self {
        let mut counts = Self::default();
        let mut add = |kind: Kind, n: usize| {
            if n > 0 {
                *counts.objects.entry((kind, None)).or_default() += n;
            }
        };
        for step in &stage.steps {
            match &step.statement {
                Statement::CreateTable { constraints, .. } => {
                    add(Kind::Table, 1);
                    add(Kind::Constraint, constraints.len());
                }
                Statement::Create(_) | Statement::RunSql(_) => {
                    if let Some((id, _)) = step.object.and_then(|place| catalog.at(place.index())) {
                        add(id.kind, 1);
                    }
                }
                Statement::InsertSeed { seed, .. } => counts.rows += seed.rows.len(),
                Statement::Grant(access) => counts.grants += access.roles.len(),
                _ => {}
            }
        }
        counts
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_change = self.objects.keys().all(|(_, sign)| sign.is_some());
        let mut all: Vec<String> = Vec::new();
        if self.renames > 0 {
            all.push(count(self.renames, "rename"));
        }
        all.extend(self.objects.iter().map(|((kind, sign), &n)| {
            let sign = sign.map(String::from).unwrap_or_default();
            format!("{sign}{}", count(n, kind.word()))
        }));
        if self.grants > 0 {
            all.push(count(self.grants, "grant"));
        }
        if self.rows > 0 {
            all.push(count(self.rows, if is_change { "seed row" } else { "row" }));
        }
        f.write_str(&if all.is_empty() { "nothing".into() } else { all.join(", ") })
    }
}
