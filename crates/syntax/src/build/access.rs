//! Policies, predicates, roles, grants, buckets, realtime.

use super::Cx;
use crate::ast::*;
use crate::explain::{self, Place};
use crate::grammar::{Pair, Rule};

impl Cx<'_> {
    pub(super) fn predicate(&mut self, pair: Pair<'_>) -> Option<PredicateDecl> {
        let (mut name, mut body, mut params, mut param) = (None, None, Vec::new(), None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name if name.is_none() => name = Some(self.name(&part)),
                Rule::name => param = Some(self.name(&part)),
                Rule::type_ref => params.extend(param.take().map(|p| (p, self.type_ref(part)))),
                _ => body = Some(self.expr(&part)),
            }
        }
        Some(PredicateDecl { name: name?, params, body: body? })
    }

    pub(super) fn policy_block(&mut self, pair: Pair<'_>) -> Option<PolicyBlock> {
        let mut entity = None;
        let opener = self.opener(&pair);
        let mut rules = Vec::new();
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::qname => entity = Some(self.qname(&part)),
                _ => self.rule_or_broken(part, opener, &mut rules),
            }
        }
        Some(PolicyBlock { entity: entity?, rules })
    }

    /// `policy { rules }` in an entity or bucket
    pub(super) fn policy(&mut self, pair: Pair<'_>) -> Vec<PolicyRule> {
        let opener = self.opener(&pair);
        let mut rules = Vec::new();
        for part in pair.into_inner() {
            self.rule_or_broken(part, opener, &mut rules);
        }
        rules
    }

    fn rule_or_broken(&mut self, pair: Pair<'_>, opener: usize, rules: &mut Vec<PolicyRule>) {
        match pair.as_rule() {
            Rule::policy_rule => rules.extend(self.rule(pair)),
            _ => explain::entry(self, &pair, Place::Policy, opener),
        }
    }

    fn rule(&mut self, pair: Pair<'_>) -> Option<PolicyRule> {
        let at = self.at(&pair);
        let doc = self.doc(at.0.start as usize);
        let (mut name, mut forbid, mut unless) = (None, false, false);
        let (mut exact, mut shaped) = (None, None);
        let (mut when, mut check, mut was) = (None, None, None);
        let (mut actions, mut roles) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => name = Some(self.name(&part)),
                Rule::effect => forbid = part.as_str() == "forbid",
                Rule::rule_act => actions.extend(self.act(part)),
                Rule::roles => roles = self.names(part),
                Rule::rule_when | Rule::rule_unless => {
                    unless = part.as_rule() == Rule::rule_unless;
                    let at = self.at(&part).0;
                    if when.is_some() && exact.is_none() {
                        explain::two_conditions(self, at);
                    }
                    shaped = Some(at);
                    when = self.inner_expr(part);
                }
                Rule::rule_check => {
                    shaped = Some(self.at(&part).0);
                    check = self.inner_expr(part);
                }
                Rule::rule_using | Rule::rule_with => {
                    let at = self.at(&part).0;
                    let slot = if part.as_rule() == Rule::rule_using { &mut when } else { &mut check };
                    if slot.is_some() && shaped.is_none() {
                        explain::two_conditions(self, at);
                    }
                    exact = Some(at);
                    *slot = self.inner_expr(part);
                }
                Rule::was => was = self.inner_name(part),
                _ => {}
            }
        }
        if let (Some(exact), Some(_)) = (exact, shaped) {
            explain::two_ways(self, exact);
        }
        Some(PolicyRule {
            doc,
            name: name?,
            forbid,
            actions,
            roles,
            when,
            unless,
            check,
            exact: exact.is_some(),
            was,
            at,
        })
    }

    /// `update (a, b)`
    pub(super) fn act(&mut self, pair: Pair<'_>) -> Option<PolicyAction> {
        let mut parts = pair.into_inner();
        let action = parts.next().map(|p| self.word(&p))?;
        Some(PolicyAction { action, columns: parts.next().map(|p| self.names(p)).unwrap_or_default() })
    }

    pub(super) fn role(&mut self, pair: Pair<'_>) -> Option<RoleDecl> {
        let (mut name, mut external, mut was) = (None, false, None);
        let (mut options, mut member_of) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::external => external = true,
                Rule::name => name = Some(self.name(&part)),
                Rule::role_opt => options.push(self.word(&part)),
                Rule::role_in => member_of.extend(self.names(part)),
                _ => was = self.inner_name(part),
            }
        }
        Some(RoleDecl { external, name: name?, options, member_of, was })
    }

    pub(super) fn grant(&mut self, pair: Pair<'_>) -> Option<GrantDecl> {
        let (mut revoke, mut object) = (false, None);
        let (mut privileges, mut roles, mut grant_option) = (Vec::new(), Vec::new(), false);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::grant_word => revoke = part.as_str() == "revoke",
                Rule::act => privileges.extend(self.act(part)),
                Rule::target => object = self.target(part),
                Rule::name => roles.push(self.name(&part)),
                _ => grant_option = true,
            }
        }
        Some(GrantDecl { revoke, privileges, object: object?, roles, grant_option })
    }

    fn target(&mut self, pair: Pair<'_>) -> Option<Target> {
        let (mut kind, mut name, mut arg_types) = (None, None, None);
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::grant_kind => kind = Some(self.word(&part)),
                Rule::qname => name = Some(self.qname(&part)),
                _ => arg_types = Some(part.into_inner().map(|p| self.type_ref(p)).collect()),
            }
        }
        Some(Target { kind, name: name?, arg_types })
    }

    pub(super) fn ownership(&mut self, pair: Pair<'_>) -> Option<OwnerDecl> {
        let (mut role, mut objects) = (None, Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::name => role = Some(self.name(&part)),
                _ => objects.extend(self.target(part)),
            }
        }
        Some(OwnerDecl { role: role?, objects })
    }

    pub(super) fn bucket(&mut self, pair: Pair<'_>) -> Option<BucketDecl> {
        let opener = self.opener(&pair);
        let (mut name, mut public, mut size) = (None, None, None);
        let (mut mime, mut rules) = (Vec::new(), Vec::new());
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::sname => name = Some(self.name(&part)),
                Rule::bucket_public => public = Some(self.at(&part)),
                Rule::bucket_size => {
                    let mut parts = part.into_inner();
                    let number = parts.next().and_then(|p| self.number(&p));
                    let unit = parts.next().map(|p| self.name(&p));
                    size = number.zip(unit);
                }
                Rule::bucket_mime => mime.extend(part.into_inner().map(|p| self.str(&p))),
                Rule::policy => rules.extend(self.policy(part)),
                _ => explain::entry(self, &part, Place::Bucket, opener),
            }
        }
        Some(BucketDecl { name: name?, public, size, mime, rules })
    }

    pub(super) fn realtime(&mut self, pair: Pair<'_>) -> RealtimeDecl {
        let opener = self.opener(&pair);
        let mut tables = Vec::new();
        for part in pair.into_inner() {
            if part.as_rule() != Rule::realtime_table {
                explain::entry(self, &part, Place::Realtime, opener);
                continue;
            }
            let at = self.at(&part);
            self.doc(at.0.start as usize);
            let (mut entity, mut columns, mut filter) = (None, Vec::new(), None);
            for part in part.into_inner() {
                match part.as_rule() {
                    Rule::qname => entity = Some(self.qname(&part)),
                    Rule::cols => columns = self.names(part),
                    _ => filter = self.inner_expr(part),
                }
            }
            tables.extend(entity.map(|entity| RealtimeTable { entity, columns, filter, at }));
        }
        RealtimeDecl { tables }
    }
}
