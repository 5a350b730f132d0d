//! Scenarios.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn scenario(&mut self, pair: Pair<'_>) -> Option<ScenarioDecl> {
        let opener = self.opener(&pair);
        let (mut text, mut env, mut parts) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => text = Some(self.name(&part)),
                Rule::scenario_in => env = self.inner_name(part),
                Rule::given => parts.push(self.given(part)),
                Rule::actor => parts.extend(self.actor(part).map(ScenarioPart::As)),
                _ => explain::entry(self, &part, Place::Scenario, opener),
            }
        }
        Some(ScenarioDecl { text: text?, env, parts })
    }

    fn given(&mut self, pair: Pair<'_>) -> ScenarioPart {
        let at = self.at(&pair);
        let opener = self.opener(&pair);
        let mut rows = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::seed_row => rows.extend(self.seed_row(part)),
                _ => explain::entry(self, &part, Place::Seed, opener),
            }
        }
        ScenarioPart::Given { rows, at }
    }

    fn actor(&mut self, pair: Pair<'_>) -> Option<ActorDecl> {
        let at = self.at(&pair);
        let opener = self.opener(&pair);
        let (mut who, mut is_role, mut role, mut claims, mut steps) = (None, false, None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::actor_role => is_role = true,
                Rule::name => who = Some(self.name(&part)),
                Rule::actor_in => role = self.inner_name(part),
                Rule::actor_claims => claims = self.inner_str(part),
                Rule::act_step => steps.extend(self.act_step(part)),
                _ => explain::entry(self, &part, Place::Actor, opener),
            }
        }
        Some(ActorDecl { who: who?, is_role, role, claims, steps, at })
    }

    fn act_step(&mut self, pair: Pair<'_>) -> Option<StepDecl> {
        let at = self.at(&pair);
        let (mut deny, mut what, mut code) = (false, None, None);
        let (mut entity, mut rows) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::expected => deny = part.as_str() == "deny",
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::rows_none => rows = Some(RowsDecl::None),
                Rule::rows_all => rows = Some(RowsDecl::All),
                Rule::rows_only => rows = Some(RowsDecl::Only(self.names(part))),
                Rule::rows_count => {
                    let number = part.into_inner().next().and_then(|p| self.number(&p));
                    rows = number.map(RowsDecl::Count);
                }
                Rule::try_code => code = self.inner_str(part),
                _ => what = self.tried(part),
            }
        }
        let kind = match rows {
            Some(rows) => StepKind::Rows { entity: entity?, rows },
            None => StepKind::Try { deny, what: what?, code },
        };
        Some(StepDecl { kind, at })
    }

    fn tried(&mut self, pair: Pair<'_>) -> Option<TryDecl> {
        let rule = pair.as_rule();
        let (mut name, mut row, mut args, mut fields) = (None, None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => name = Some(self.qname(&part)),
                Rule::try_row => row = self.row_ref(part),
                Rule::try_values => {
                    let opener = self.opener(&part);
                    for part in part.into_inner() {
                        match part.as_rule() {
                            Rule::seed_field => fields.extend(self.seed_field(part)),
                            _ => explain::entry(self, &part, Place::SeedRow, opener),
                        }
                    }
                }
                _ => args = Some(self.bracketed(&part)),
            }
        }
        Some(match rule {
            Rule::try_insert => TryDecl::Insert { entity: name?, fields },
            Rule::try_update => TryDecl::Update { row: row?, fields },
            Rule::try_delete => TryDecl::Delete { row: row? },
            _ => TryDecl::Call { function: name?, args: args? },
        })
    }

    /// One name is a label; the first of two is its entity.
    fn row_ref(&mut self, pair: Pair<'_>) -> Option<RowRef> {
        let (mut entity, mut label) = (None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                _ => label = Some(self.name(&part)),
            }
        }
        Some(match (entity?, label) {
            (entity, Some(label)) => RowRef { entity: Some(entity), label },
            (QName { schema: None, name }, None) => RowRef { entity: None, label: name },
            // `billing.launch`: there is no such label, and whoever looks for it says so.
            (QName { schema: Some(schema), name }, None) => {
                let text = format!("{}.{}", schema.text, name.text).into();
                RowRef { entity: None, label: Name { text, at: At(schema.at.0.to(name.at.0)) } }
            }
        })
    }
}
