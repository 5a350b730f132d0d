//! Who may do what, before and after.

use crate::account::name;
use crate::render::{NAMED, count, list};
use crate::schedule::{Part, Stage};
use rustc_hash::FxHashSet;
use specc_catalog::{Catalog, Kind, Object, Policy, Rls};
use specc_diff::Difference;
use specc_sql::{Alter, Named, Privileges, Statement};
use std::collections::BTreeMap;

/// What the first file leaves closed.
pub(crate) fn closed(catalog: &Catalog, stage: &Stage<'_>) -> String {
    let (mut on, mut off) = (0, Vec::new());
    for statement in stage.statements() {
        if let Statement::CreateTable { table, .. } = statement {
            match table.rls {
                Rls::Off => off.push(name(&table.table)),
                Rls::On | Rls::Forced => on += 1,
            }
        }
    }
    let mut text = format!("row level security is on from the start for {}", count(on, "table"));
    if !off.is_empty() {
        text.push_str(&format!(", OFF for {}", list(&off)));
    }
    let given = &catalog.default_grantees.objects;
    if !given.is_empty() {
        text.push_str(&format!("; what default privileges gave to {} is revoked", given.join(", ")));
    }
    text.push_str(if stage.purpose.makes(Part::Access) {
        ""
    } else {
        "; nothing is granted until the next file, so there is no open window"
    });
    text
}

/// What is opened, by role.
pub(crate) fn opened(stage: &Stage<'_>) -> Vec<String> {
    let mut grants = 0;
    let mut policies = 0;
    let mut tables = FxHashSet::default();
    let mut roles: BTreeMap<&str, BTreeMap<&str, Vec<String>>> = BTreeMap::new();
    for statement in stage.statements() {
        match statement {
            Statement::Create(Object::Policy(policy)) => {
                policies += 1;
                tables.insert(&policy.table);
            }
            Statement::Grant(access) => {
                grants += access.roles.len();
                let Privileges::Some(privileges) = access.privileges else { continue };
                for role in &access.roles {
                    for privilege in privileges {
                        let all = roles.entry(role).or_default().entry(&privilege.name).or_default();
                        if all.len() <= NAMED {
                            all.push(target(access.on));
                        } else {
                            all.push(String::new());
                        }
                    }
                }
            }
            _ => {}
        }
    }
    let mut lines =
        vec![format!("+{}, {} on {}", count(grants, "grant"), count(policies, "policy"), count(tables.len(), "table"))];
    for (role, privileges) in roles {
        let all: Vec<_> = privileges.iter().map(|(name, on)| format!("{name} on {}", list(on))).collect();
        lines.push(format!("{role} may: {}", all.join("; ")));
    }
    lines
}

fn target(on: Named<'_>) -> String {
    let id = on.id();
    match id.kind {
        Kind::Table | Kind::View if id.schema == "public" => id.name.to_string(),
        Kind::Table | Kind::View => format!("{}.{}", id.schema, id.name),
        Kind::Function => format!("{}.{}()", id.schema, id.name),
        kind => format!("{} {}", kind.word(), id.name),
    }
}

/// Nobody may see or do more or less.
pub(crate) const AS_BEFORE: &str = "as before";

/// Whether a statement changes who may see or do what.
pub(crate) fn is_access(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Create(object) | Statement::Drop(object) => matches!(object, Object::Policy(_) | Object::Grant(_)),
        Statement::Grant(_) | Statement::SetRls { .. } | Statement::SetOwner { .. } => true,
        Statement::Alter(change) => matches!(change, Alter::SetPolicy { .. }),
        _ => false,
    }
}

/// Whose access to what becomes wider or narrower.
pub fn changes(difference: &Difference<'_>) -> Vec<String> {
    let mut changes = Access::default();
    let (from, to) = (&*difference.from, difference.to);
    for &place in &difference.added {
        if let Some((_, entry)) = to.at(place as usize) {
            changes.object(&entry.object, true);
        }
    }
    for &place in &difference.removed {
        if let Some((_, entry)) = from.at(place as usize) {
            changes.object(&entry.object, false);
        }
    }
    for &(old, new) in &difference.changed {
        let (Some((_, a)), Some((_, b))) = (from.at(old as usize), to.at(new as usize)) else { continue };
        if a.owner != b.owner {
            let role = |entry: &specc_catalog::Entry| entry.owner.clone().unwrap_or_else(|| APPLIES.into());
            changes.given.push(format!("the {} goes from {} to {}", b.object.id(), role(a), role(b)));
        }
        match (&a.object, &b.object) {
            (Object::Grant(x), Object::Grant(y)) => {
                let more = y.privileges.iter().any(|p| !x.privileges.contains(p));
                let less = x.privileges.iter().any(|p| !y.privileges.contains(p));
                changes.counts.entry(("grant", '~')).and_modify(|n| *n += 1).or_insert(1);
                changes.say(&y.on.name, &y.to, more, less);
            }
            (Object::Policy(x), Object::Policy(y)) if x != y => {
                changes.counts.entry(("policy", '~')).and_modify(|n| *n += 1).or_insert(1);
                for role in roles(x).chain(roles(y)) {
                    // Conditions are not compared here: either is possible.
                    changes.say(&y.table.name, role, true, true);
                }
            }
            (Object::Table(x), Object::Table(y)) if x.rls != y.rls => {
                let off = y.rls == Rls::Off;
                let on = x.rls == Rls::Off;
                changes.say(&y.table.name, "everyone with a grant", off, on);
            }
            _ => {}
        }
    }
    changes.lines()
}

fn roles(policy: &Policy) -> impl Iterator<Item = &str> {
    let everyone = policy.roles.is_empty().then_some("everyone");
    everyone.into_iter().chain(policy.roles.iter().map(|role| role.as_str()))
}

#[derive(Default)]
struct Access {
    counts: BTreeMap<(&'static str, char), usize>,
    /// By object and role: wider, narrower.
    ways: BTreeMap<(String, String), (bool, bool)>,
    /// What gets another owner.
    given: Vec<String>,
}

/// Who owns what is given to nobody else.
const APPLIES: &str = "the role that applies";

impl Access {
    fn object(&mut self, object: &Object, is_new: bool) {
        let sign = if is_new { '+' } else { '-' };
        match object {
            Object::Grant(o) => {
                *self.counts.entry(("grant", sign)).or_default() += 1;
                self.say(&o.on.name, &o.to, is_new, !is_new);
            }
            Object::Policy(o) => {
                *self.counts.entry(("policy", sign)).or_default() += 1;
                for role in roles(o) {
                    self.say(&o.table.name, role, o.permissive == is_new, o.permissive != is_new);
                }
            }
            _ => {}
        }
    }

    fn say(&mut self, on: &str, role: &str, wider: bool, narrower: bool) {
        let way = self.ways.entry((on.to_string(), role.to_string())).or_default();
        way.0 |= wider;
        way.1 |= narrower;
    }

    fn lines(self) -> Vec<String> {
        if self.counts.is_empty() && self.ways.is_empty() && self.given.is_empty() {
            return vec![AS_BEFORE.into()];
        }
        let counts: Vec<String> =
            self.counts.iter().map(|((word, sign), n)| format!("{sign}{}", count(*n, word))).collect();
        let mut lines = Vec::new();
        if !counts.is_empty() {
            lines.push(counts.join(", "));
        }
        let mut by_way: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
        for ((on, role), way) in self.ways {
            let word = match way {
                (true, false) => "widens",
                (false, true) => "narrows",
                _ => "changes",
            };
            by_way.entry((word, on)).or_default().push(role);
        }
        for ((word, on), roles) in by_way {
            lines.push(format!("access to {on} {word} for {}", list(&roles)));
        }
        lines.extend(self.given);
        const MOST: usize = 12;
        if lines.len() > MOST {
            let more = lines.len() - MOST;
            lines.truncate(MOST);
            lines.push(format!("and {more} more"));
        }
        lines
    }
}
