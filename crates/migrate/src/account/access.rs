//! Who may do what, before and after.

use crate::account::name;
use crate::files::Decided;
use crate::render::{NAMED, count, list};
use crate::schedule::{Part, Stage};
use rustc_hash::FxHashSet;
use specc_catalog::{Catalog, Kind, Object, ObjectId, Policy, Returns, Rls, Table, Timing, Trigger};
use specc_diff::Difference;
use specc_split::Lexer;
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
pub const AS_BEFORE: &str = "as before";

/// Whether a statement changes who may see or do what.
pub(crate) fn is_access(statement: &Statement<'_>) -> bool {
    match statement {
        Statement::Create(object) | Statement::Drop(object) => matches!(object, Object::Policy(_) | Object::Grant(_)),
        Statement::Grant(_) | Statement::SetRls { .. } | Statement::SetOwner { .. } => true,
        Statement::Alter(change) => matches!(change, Alter::SetPolicy { .. }),
        _ => false,
    }
}

/// Whether a change touches what decides who may do what: rules, rights, roles, and the functions and views that rules ask.
pub fn touches(difference: &Difference<'_>) -> bool {
    let decides = |object: &Object| {
        let kind = object.id().kind;
        matches!(kind, Kind::Policy | Kind::Grant | Kind::Function | Kind::View | Kind::Role)
    };
    let (from, to) = (&*difference.from, difference.to);
    let new = difference.added.iter().filter_map(|place| to.at(*place as usize));
    let gone = difference.removed.iter().filter_map(|place| from.at(*place as usize));
    let changed = difference.changed.iter().any(|&(old, new)| {
        let (Some((_, a)), Some((_, b))) = (from.at(old as usize), to.at(new as usize)) else { return false };
        match (&a.object, &b.object) {
            (Object::Table(x), Object::Table(y)) => x.rls != y.rls || computes_otherwise(x, y),
            (_, object) => decides(object),
        }
    });
    changed || new.chain(gone).any(|(_, entry)| decides(&entry.object))
}

/// Whether a column is computed from something else: rules may ask for it.
fn computes_otherwise(old: &Table, new: &Table) -> bool {
    old.columns.iter().any(|was| new.columns.iter().any(|is| is.name == was.name && is.generated != was.generated))
}

/// Whose access to what becomes wider or narrower, as far as that is decided by what `decided` says.
pub fn changes(difference: &Difference<'_>, decided: Option<&Decided>) -> Vec<String> {
    let mut changes = Access::default();
    if let Some(decided) = decided {
        changes.decided.clone_from(decided);
    }
    let (from, to) = (&*difference.from, difference.to);
    for &place in &difference.added {
        if let Some((_, entry)) = to.at(place as usize) {
            changes.object(&entry.object, true);
            changes.others.extend(beside_rules(from, to, None, Some(&entry.object)));
        }
    }
    for &place in &difference.removed {
        if let Some((_, entry)) = from.at(place as usize) {
            changes.object(&entry.object, false);
            changes.others.extend(beside_rules(from, to, Some(&entry.object), None));
        }
    }
    for &(old, new) in &difference.changed {
        let (Some((_, a)), Some((_, b))) = (from.at(old as usize), to.at(new as usize)) else { continue };
        if a.owner != b.owner {
            let role = |entry: &specc_catalog::Entry| entry.owner.clone().unwrap_or_else(|| APPLIES.into());
            changes.others.push(format!("the {} goes from {} to {}", b.object.id(), role(a), role(b)));
        }
        changes.others.extend(beside_rules(from, to, Some(&a.object), Some(&b.object)));
        match (&a.object, &b.object) {
            (Object::Grant(x), Object::Grant(y)) => {
                let more = y.privileges.iter().any(|p| !x.privileges.contains(p));
                let less = x.privileges.iter().any(|p| !y.privileges.contains(p));
                changes.counts.entry(("grant", '~')).and_modify(|n| *n += 1).or_insert(1);
                changes.say_of(&y.on, &y.to, more, less);
            }
            (Object::Policy(x), Object::Policy(y)) if x != y => {
                changes.counts.entry(("policy", '~')).and_modify(|n| *n += 1).or_insert(1);
                for role in roles(x).chain(roles(y)) {
                    // Conditions are not compared here: either is possible.
                    changes.say_of(&y.table.id(), role, true, true);
                }
            }
            (Object::Table(x), Object::Table(y)) if x.rls != y.rls => {
                let off = y.rls == Rls::Off;
                let on = x.rls == Rls::Off;
                changes.say_of(&y.table.id(), "everyone with a grant", off, on);
            }
            _ => {}
        }
    }
    changes.lines()
}

/// What a change opens or closes that is neither a rule nor a grant; how much, is not worked out.
fn beside_rules(from: &Catalog, to: &Catalog, old: Option<&Object>, new: Option<&Object>) -> Option<String> {
    let id = new.or(old)?.id();
    match (old, new) {
        (before, Some(Object::Bucket(bucket))) => {
            let was = matches!(before, Some(Object::Bucket(before)) if before.public);
            match (was, bucket.public) {
                (false, true) => Some(format!("every file of the {id} can be read by everyone, past its rules")),
                (true, false) => Some(format!("files of the {id} can only be read by its rules")),
                _ => None,
            }
        }
        (None, Some(Object::PublicationTable(of))) => {
            Some(format!("changes of {} go to subscribers of {}", name(&of.table), of.publication))
        }
        (before, Some(Object::Sql(block))) => {
            let same = matches!(before, Some(Object::Sql(before)) if before.up == block.up);
            (!same && says(&block.up, &GIVING)).then(|| format!("what the {id} gives or takes is not worked out"))
        }
        (Some(Object::Trigger(trigger)), None) => {
            let stays = to.contains(&trigger.table.id()) && trigger.timing != Timing::After;
            (stays && raises(from, trigger)).then(|| format!("what the {id} refused is not refused by it any more"))
        }
        (Some(before), Some(after)) => {
            let (was, is) = (as_owner(before), as_owner(after));
            if !(was || is) || before == after || !is_reachable(to, &id.schema) {
                return None;
            }
            Some(match (was, is) {
                (false, _) => format!("the {id} runs with its owner's rights now, past the rules of who asks"),
                (_, false) => format!("the {id} runs with the rights of who asks now"),
                _ => format!("the {id} is another one, and passes the rules: what it shows is not compared"),
            })
        }
        _ => None,
    }
}

/// Words of statements that open or close something.
const GIVING: [&str; 6] = ["grant", "revoke", "policy", "definer", "owner", "security"];

fn says(text: &str, words: &[&str]) -> bool {
    let tokens = Lexer::new(text).map_while(Result::ok);
    tokens.into_iter().any(|token| words.iter().any(|word| token.is(text, word)))
}

/// Whether the function of a trigger refuses something.
fn raises(catalog: &Catalog, trigger: &Trigger) -> bool {
    let id = ObjectId::new(Kind::Function, trigger.function.schema.clone(), trigger.function.name.clone()).part("");
    matches!(catalog.get(&id).map(|entry| &entry.object), Some(Object::Function(it)) if says(it.body.text(), &["raise"]))
}

/// Whether it works past the rules of who asks.
fn as_owner(object: &Object) -> bool {
    match object {
        Object::Function(function) => {
            let fired = matches!(&function.returns, Some(Returns::Type(ty)) if ty.name == "trigger");
            function.security_definer && !fired
        }
        Object::View(view) => view.materialized || !view.security_invoker,
        _ => false,
    }
}

/// Whether clients get to what is in a schema; helpers of rules are in one that they do not get to.
fn is_reachable(catalog: &Catalog, schema: &str) -> bool {
    let on = |entry: &specc_catalog::Entry| matches!(&entry.object, Object::Grant(grant) if grant.on.kind == Kind::Schema && grant.on.name == schema);
    schema == "public" || catalog.iter().any(|(_, entry)| on(entry))
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
    /// What gets another owner, and what opens or closes something without a rule or a grant.
    others: Vec<String>,
    /// What is decided of tables.
    decided: Decided,
}

/// Who owns what is given to nobody else.
const APPLIES: &str = "the role that applies";

impl Access {
    fn object(&mut self, object: &Object, is_new: bool) {
        let sign = if is_new { '+' } else { '-' };
        match object {
            Object::Grant(o) => {
                *self.counts.entry(("grant", sign)).or_default() += 1;
                self.say_of(&o.on, &o.to, is_new, !is_new);
            }
            Object::Policy(o) => {
                *self.counts.entry(("policy", sign)).or_default() += 1;
                for role in roles(o) {
                    self.say_of(&o.table.id(), role, o.permissive == is_new, o.permissive != is_new);
                }
            }
            _ => {}
        }
    }

    /// What is said of an object, unless it is decided.
    fn say_of(&mut self, on: &ObjectId, role: &str, wider: bool, narrower: bool) {
        let everyone = matches!(role, "public" | "everyone" | "everyone with a grant");
        let is_role = everyone || self.decided.roles.iter().any(|other| other == role);
        if !is_role || on.kind != Kind::Table || !self.decided.tables.iter().any(|table| table.id() == *on) {
            self.say(&on.name, role, wider, narrower);
        }
    }

    fn say(&mut self, on: &str, role: &str, wider: bool, narrower: bool) {
        let way = self.ways.entry((on.to_string(), role.to_string())).or_default();
        way.0 |= wider;
        way.1 |= narrower;
    }

    fn lines(self) -> Vec<String> {
        if self.counts.is_empty() && self.ways.is_empty() && self.others.is_empty() && self.decided.lines.is_empty() {
            return vec![AS_BEFORE.into()];
        }
        let counts: Vec<String> =
            self.counts.iter().map(|((word, sign), n)| format!("{sign}{}", count(*n, word))).collect();
        let mut by_way: BTreeMap<(&'static str, String), Vec<String>> = BTreeMap::new();
        for ((on, role), way) in self.ways {
            let word = match way {
                (true, false) => "widens",
                (false, true) => "narrows",
                _ => "changes",
            };
            by_way.entry((word, on)).or_default().push(role);
        }
        let ways = by_way.into_iter().map(|((word, on), roles)| format!("access to {on} {word} for {}", list(&roles)));
        let mut lines = if counts.is_empty() { Vec::new() } else { vec![counts.join(", ")] };
        lines.extend(short(self.decided.lines, 40));
        lines.extend(short(ways.chain(self.others).collect(), 11));
        lines
    }
}

/// The first lines, and how many more there are.
fn short(mut lines: Vec<String>, most: usize) -> Vec<String> {
    if lines.len() > most {
        let more = lines.len() - most;
        lines.truncate(most);
        lines.push(format!("and {more} more"));
    }
    lines
}
