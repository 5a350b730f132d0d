//! Seeds.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn seed(&mut self, pair: Pair<'_>) -> Option<SeedDecl> {
        let opener = self.opener(&pair);
        let (mut env, mut rows) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => env = Some(self.name(&part)),
                Rule::seed_row => rows.extend(self.seed_row(part)),
                _ => explain::entry(self, &part, Place::Seed, opener),
            }
        }
        Some(SeedDecl { env: env?, rows })
    }

    pub(super) fn seed_row(&mut self, pair: Pair<'_>) -> Option<SeedRow> {
        let at = self.at(&pair);
        let opener = self.opener(&pair);
        let (mut entity, mut label, mut count, mut fields) = (None, None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::name => label = Some(self.name(&part)),
                Rule::seed_count => count = part.into_inner().next().and_then(|p| self.number(&p)),
                Rule::seed_field => fields.extend(self.seed_field(part)),
                _ => explain::entry(self, &part, Place::SeedRow, opener),
            }
        }
        Some(SeedRow { entity: entity?, label, count, fields, at })
    }

    /// `title: 'Launch'`
    pub(super) fn seed_field(&mut self, pair: Pair<'_>) -> Option<(Name, RawExpr)> {
        let (mut name, mut value) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => name = Some(self.name(&part)),
                _ => value = Some(self.expr(&part)),
            }
        }
        name.zip(value)
    }
}
