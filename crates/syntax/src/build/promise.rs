//! Promises.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn promise(&mut self, pair: Pair<'_>) -> Option<PromiseDecl> {
        let opener = self.opener(&pair);
        let (mut text, mut entity, mut lines) = (None, None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => text = Some(self.name(&part)),
                Rule::qname => entity = Some(self.qname(&part)),
                Rule::promise_line => lines.push(self.promise_line(part)),
                _ => explain::entry(self, &part, Place::Promise, opener),
            }
        }
        Some(PromiseDecl { text: text?, entity, lines })
    }

    fn promise_line(&mut self, pair: Pair<'_>) -> PromiseLine {
        let at = self.at(&pair);
        let (mut deny, mut unless) = (false, false);
        let (mut when, mut becoming) = (None, None);
        let (mut actions, mut roles) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            let here = self.at(&part).0;
            match part.as_rule() {
                Rule::expected => deny = part.as_str() == "deny",
                Rule::rule_act => actions.extend(self.act(part)),
                Rule::roles => roles = self.names(part),
                Rule::promise_becoming => becoming = self.inner_expr(part),
                rule => {
                    if when.is_some() {
                        explain::two_conditions(self, here);
                    }
                    unless = rule == Rule::promise_unless;
                    when = self.inner_expr(part);
                }
            }
        }
        PromiseLine { deny, actions, roles, when, unless, becoming, at }
    }
}
