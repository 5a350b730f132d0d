//! Effective access: which rules decide what a role may do with the rows of an entity, and on which columns.
//!
//! Grants, policies, the triggers that guard columns, and the access pages of the documentation all read this table.

use crate::types::*;
use smol_str::SmolStr;
use std::collections::BTreeMap;

/// The grantee that stands for every role there is.
pub const PUBLIC: &str = "public";

/// What an allowing rule opens to a role.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'m> {
    /// The rule.
    pub rule: &'m Rule,
    /// Only these columns; none written means all.
    pub columns: &'m [FieldIx],
}

/// What the rules that are written for one grantee open to it.
#[derive(Clone, Debug)]
pub struct Access<'m> {
    /// What is done.
    pub command: RuleAction,
    /// The grantee.
    pub role: SmolStr,
    /// A row is reached when one of these rules lets it through. Rules taken as they are written are not among them.
    pub openings: Vec<Opening<'m>>,
    /// The columns to grant: those of any opening, without those that a rule forbids on every row. `None` is all.
    pub columns: Option<Vec<FieldIx>>,
}

/// A forbidding rule.
#[derive(Clone, Debug)]
pub struct Narrowing<'m> {
    /// The rule.
    pub rule: &'m Rule,
    /// Whom it binds.
    pub roles: Vec<SmolStr>,
    /// On whole rows; an action with columns forbids to write those, not the row.
    pub commands: Vec<RuleAction>,
}

/// Columns that not everyone may write who may write the row, so each row has to be looked at.
#[derive(Clone, Debug)]
pub struct Guard<'m> {
    /// An insert or an update.
    pub command: RuleAction,
    /// In the order of the table.
    pub columns: Vec<GuardedColumn<'m>>,
}

/// A column of a [`Guard`].
#[derive(Clone, Debug)]
pub struct GuardedColumn<'m> {
    /// The column.
    pub field: FieldIx,
    /// One of these rules has to let the row through; `None` where every rule opens the column.
    pub opened_by: Option<Vec<&'m Rule>>,
    /// Each of these rules has to let the row through.
    pub closed_by: Vec<&'m Rule>,
}

/// The rules of an entity or bucket, by whom they are for.
#[derive(Clone, Debug)]
pub struct Effective<'m> {
    /// By command, then by grantee.
    pub accesses: Vec<Access<'m>>,
    /// In the order of the spec.
    pub narrowings: Vec<Narrowing<'m>>,
    /// Where a trigger has to look at each row.
    pub guards: Vec<Guard<'m>>,
}

/// What decides about one role, with the rules of all roles whose rights it has.
#[derive(Clone, Debug)]
pub struct Decision<'m> {
    /// One of these lets a row through.
    pub openings: Vec<Opening<'m>>,
    /// Each of these has to let it through.
    pub narrowings: Vec<&'m Rule>,
    /// Rules that close columns, of all rows or of those that they name.
    pub closed: Vec<(&'m Rule, &'m [FieldIx])>,
    /// As in [`Access::columns`].
    pub columns: Option<Vec<FieldIx>>,
}

/// A rule of a [`Decision`], as pages list them: those that open, then those that narrow.
#[derive(Clone, Copy, Debug)]
pub struct Line<'m> {
    /// The rule.
    pub rule: &'m Rule,
    /// Only these columns; none written means all.
    pub columns: &'m [FieldIx],
    /// Whether it narrows.
    pub narrows: bool,
}

impl<'m> Decision<'m> {
    /// The rules that decide.
    pub fn lines(&self) -> Vec<Line<'m>> {
        let opening = self.openings.iter().map(|o| Line { rule: o.rule, columns: o.columns, narrows: false });
        let narrowing = self.narrowings.iter().map(|rule| Line { rule, columns: &[], narrows: true });
        let closing = self.closed.iter().map(|(rule, columns)| Line { rule, columns, narrows: true });
        opening.chain(narrowing).chain(closing).collect()
    }

    /// Whether a rule without a condition opens every row, and none narrows it.
    pub fn is_every_row(&self, command: RuleAction) -> bool {
        let writes = matches!(command, RuleAction::Insert | RuleAction::Update);
        let always = |rule: &Rule| rule.when.is_none() && !(writes && rule.check.is_some());
        self.narrowings.is_empty() && self.openings.iter().any(|o| always(o.rule))
    }
}

impl<'m> Effective<'m> {
    /// The table of these rules, which guard rows of `entity`.
    pub fn of(model: &'m Model, entity: &'m Entity, rules: &'m [Rule]) -> Self {
        let table = Table { model, entity, rules };
        let mut accesses = Vec::new();
        for command in COMMANDS {
            let mut roles: BTreeMap<SmolStr, Vec<Opening<'m>>> = BTreeMap::new();
            for opening in table.openings(command, |rule| !rule.exact) {
                grantees(model, opening.rule).into_iter().for_each(|role| roles.entry(role).or_default().push(opening));
            }
            for (role, openings) in roles {
                let columns = table.columns(command, &openings, &acts_as(model, &role));
                accesses.push(Access { command, role, openings, columns });
            }
        }
        let narrowings = rules.iter().filter(|rule| rule.forbid).filter_map(|rule| {
            let commands: Vec<_> =
                rule.actions.iter().filter(|(_, c)| c.is_empty()).map(|(action, _)| *action).collect();
            (!commands.is_empty()).then(|| Narrowing { rule, roles: grantees(model, rule), commands })
        });
        let guards = [RuleAction::Insert, RuleAction::Update].map(|command| table.guard(command, &accesses));
        Self { narrowings: narrowings.collect(), guards: guards.into_iter().flatten().collect(), accesses }
    }

    /// What decides about a role that has the rights of these, if anything lets it in.
    pub fn decision(
        model: &'m Model,
        entity: &'m Entity,
        acts_as: &[SmolStr],
        command: RuleAction,
    ) -> Option<Decision<'m>> {
        let table = Table { model, entity, rules: &entity.rules };
        let openings = table.openings(command, |rule| binds(model, rule, acts_as));
        let columns = table.columns(command, &openings, acts_as);
        if openings.is_empty() || columns.as_ref().is_some_and(Vec::is_empty) {
            return None;
        }
        let forbids = entity.rules.iter().filter(|rule| rule.forbid && binds(model, rule, acts_as));
        let forbids = forbids.filter_map(|rule| takes(rule, command).map(|columns| (rule, columns)));
        let (narrowings, closed): (Vec<_>, Vec<_>) = forbids.partition(|(_, columns)| columns.is_empty());
        let narrowings = narrowings.into_iter().map(|(rule, _)| rule).collect();
        Some(Decision { openings, narrowings, closed, columns })
    }
}

/// The grantees that a rule is for. Without `to`, an allowing rule is for the roles of the platform's API, or for everyone
/// where there is none; a forbidding one and one that is taken as it is written are for everyone.
pub fn grantees(model: &Model, rule: &Rule) -> Vec<SmolStr> {
    let mut roles: Vec<SmolStr> = match named(model, rule) {
        Named::Written(roles) => roles.to_vec(),
        Named::Usual(roles) => roles.iter().copied().map(SmolStr::new).collect(),
    };
    roles.sort();
    roles.dedup();
    roles
}

enum Named<'r> {
    Written(&'r [SmolStr]),
    Usual(&'static [&'static str]),
}

fn named<'r>(model: &Model, rule: &'r Rule) -> Named<'r> {
    match model.options.target {
        _ if rule.roles.iter().any(|role| role == PUBLIC) => Named::Usual(&[PUBLIC]),
        _ if !rule.roles.is_empty() => Named::Written(&rule.roles),
        Target::Supabase if !rule.forbid && !rule.exact => Named::Usual(&["anon", "authenticated"]),
        _ => Named::Usual(&[PUBLIC]),
    }
}

/// Whether a rule is for one of these roles.
pub fn binds(model: &Model, rule: &Rule, acts_as: &[SmolStr]) -> bool {
    match named(model, rule) {
        Named::Written(roles) => acts_as.iter().any(|role| roles.contains(role)),
        Named::Usual(roles) => acts_as.iter().any(|role| roles.contains(&role.as_str())),
    }
}

/// Whether row level security does not bind the role: it is the platform's service, or has an option that says so.
pub fn bypasses(model: &Model, role: &str) -> bool {
    let past = |option: &SmolStr| option == "bypassrls" || option == "superuser";
    is_service(model, role) || model.roles.iter().any(|other| other.name == role && other.options.iter().any(past))
}

/// The roles that a grant lets truncate a table, which asks no rule. What Supabase gives everybody of its API on every table
/// is none: no request truncates.
pub fn truncating<'m>(model: &'m Model, grant: &'m Grant) -> impl Iterator<Item = &'m SmolStr> {
    let has = |word: &str| !grant.revoke && grant.privileges.iter().any(|(name, _)| name == word);
    let given = has("all") || has("truncate") && has("references") && has("trigger");
    let (truncates, supabase) = (has("all") || has("truncate"), model.options.target == Target::Supabase);
    let api = |role: &SmolStr| role == "anon" || role == "authenticated" || role == PUBLIC;
    grant.roles.iter().filter(move |role| truncates && !bypasses(model, role) && !(supabase && given && api(role)))
}

/// Whether it is the role of the platform's service, which may do everything with every table.
pub fn is_service(model: &Model, role: &str) -> bool {
    model.options.target == Target::Supabase && role == "service_role"
}

/// The role, those whose rights it has, and `public`.
pub fn acts_as(model: &Model, role: &str) -> Vec<SmolStr> {
    let mut all = vec![SmolStr::new(role)];
    let mut at = 0;
    while at < all.len() {
        let parents = model.roles.iter().filter(|r| r.name == all[at]).flat_map(|r| &r.member_of);
        let new: Vec<_> = parents.filter(|parent| !all.contains(parent)).cloned().collect();
        all.extend(new);
        at += 1;
    }
    if role != PUBLIC {
        all.push(PUBLIC.into());
    }
    all
}

/// Whether files stay in their bucket whatever rules say: where those of several buckets let somebody update, the policies
/// together would let a file become what only those of another bucket allow.
pub fn files_stay(model: &Model, objects: &Entity) -> bool {
    let buckets = model.buckets.iter().map(|bucket| bucket.rules.as_slice());
    let updates = |rules: &&[Rule]| {
        let mut all = Effective::of(model, objects, rules).accesses.into_iter();
        all.any(|access| access.command == RuleAction::Update)
    };
    buckets.chain([objects.rules.as_slice()]).filter(updates).count() > 1
}

/// Every role that rules, grants or the spec itself name, and those of the platform's API, sorted.
pub fn known_roles(model: &Model) -> Vec<SmolStr> {
    let mut names: Vec<SmolStr> =
        model.entities.iter().flat_map(|e| &e.rules).flat_map(|r| &r.roles).cloned().collect();
    names.extend(model.grants.iter().flat_map(|grant| &grant.roles).cloned());
    names.extend(model.roles.iter().map(|role| role.name.clone()));
    match model.options.target {
        Target::Supabase => names.extend(["anon", "authenticated", "service_role"].map(SmolStr::new)),
        Target::Postgres | Target::Citus => names.push(PUBLIC.into()),
    }
    names.sort();
    names.dedup();
    names
}

/// Rules of one role that show different columns of an entity: the later one, and the one that it differs from. Which
/// columns are seen cannot depend on the row.
pub fn unequal_selects<'m>(model: &'m Model, entity: &'m Entity) -> Vec<(&'m Rule, &'m Rule)> {
    let table = Table { model, entity, rules: &entity.rules };
    let mut found: Vec<(&Rule, &Rule)> = Vec::new();
    if table.allowing(RuleAction::Select).all(|rule| takes(rule, RuleAction::Select).is_some_and(<[_]>::is_empty)) {
        return found;
    }
    for role in table.roles(RuleAction::Select) {
        let acts_as = acts_as(model, &role);
        let openings = table.openings(RuleAction::Select, |rule| !rule.exact && binds(model, rule, &acts_as));
        let Some(first) = openings.first() else { continue };
        let others = openings.iter().filter(|o| table.opened(o.columns) != table.opened(first.columns));
        found.extend(others.map(|o| (o.rule, first.rule)));
    }
    found.sort_by_key(|(later, _)| later.span);
    found.dedup_by_key(|(later, _)| later.span);
    found
}

/// The commands, in their order.
pub const COMMANDS: [RuleAction; 4] = [RuleAction::Select, RuleAction::Insert, RuleAction::Update, RuleAction::Delete];

/// The columns of a rule's action, if the rule has it.
fn takes(rule: &Rule, command: RuleAction) -> Option<&[FieldIx]> {
    rule.actions.iter().find(|(action, _)| *action == command).map(|(_, columns)| columns.as_slice())
}

/// Whether a rule forbids the column on every row.
pub(crate) fn always_forbids(rule: &Rule, command: RuleAction, field: FieldIx) -> bool {
    rule.forbid && !rule.exact && rule.when.is_none() && takes(rule, command).is_some_and(|c| c.contains(&field))
}

/// The rules over the rows of one entity.
struct Table<'m> {
    model: &'m Model,
    entity: &'m Entity,
    rules: &'m [Rule],
}

impl<'m> Table<'m> {
    fn allowing(&self, command: RuleAction) -> impl Iterator<Item = &'m Rule> {
        self.rules.iter().filter(move |rule| !rule.forbid && takes(rule, command).is_some())
    }

    fn openings(&self, command: RuleAction, of: impl Fn(&Rule) -> bool) -> Vec<Opening<'m>> {
        let found = self.allowing(command).filter(|rule| of(rule));
        found.map(|rule| Opening { rule, columns: takes(rule, command).unwrap_or_default() }).collect()
    }

    /// The roles that rules name for a command, and those that have the rights of others.
    fn roles(&self, command: RuleAction) -> Vec<SmolStr> {
        let mut roles: Vec<SmolStr> = self.allowing(command).flat_map(|rule| grantees(self.model, rule)).collect();
        roles.extend(self.model.roles.iter().filter(|role| !role.member_of.is_empty()).map(|role| role.name.clone()));
        roles.sort();
        roles.dedup();
        roles
    }

    /// The columns of a list, sorted; all of them for an empty one.
    fn opened(&self, columns: &[FieldIx]) -> Vec<FieldIx> {
        if columns.is_empty() {
            return (0..self.entity.fields.len()).collect();
        }
        let mut columns = columns.to_vec();
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// Postgres fills it in itself, so it is in no list of what can be written.
    fn is_computed(&self, field: FieldIx) -> bool {
        let f = &self.entity.fields[field];
        f.generated.is_some()
            || f.maintained.is_some()
            || f.identity.as_ref().is_some_and(|identity| identity.0)
            || self.entity.searches.iter().any(|search| search.field == field)
    }

    fn columns(&self, command: RuleAction, openings: &[Opening<'m>], acts_as: &[SmolStr]) -> Option<Vec<FieldIx>> {
        let shut = self.rules.iter().filter(|rule| rule.forbid && !rule.exact && rule.when.is_none());
        let shut = shut.filter(|rule| binds(self.model, rule, acts_as)).filter_map(|rule| takes(rule, command));
        let shut: Vec<FieldIx> = shut.flatten().copied().collect();
        let closed = |field: FieldIx| shut.contains(&field);
        let whole = openings.iter().any(|o| o.columns.is_empty());
        if whole && !(0..self.entity.fields.len()).any(closed) {
            return None;
        }
        let mut columns: Vec<FieldIx> = match whole {
            true => {
                let writes = command != RuleAction::Select;
                (0..self.entity.fields.len()).filter(|field| !(writes && self.is_computed(*field))).collect()
            }
            false => openings.iter().flat_map(|o| o.columns.iter().copied()).collect(),
        };
        columns.retain(|field| !closed(*field));
        columns.sort_unstable();
        columns.dedup();
        Some(columns)
    }

    fn guard(&self, command: RuleAction, accesses: &[Access<'m>]) -> Option<Guard<'m>> {
        let openings = self.openings(command, |_| true);
        let has_lists = self.rules.iter().any(|rule| takes(rule, command).is_some_and(|columns| !columns.is_empty()));
        if openings.is_empty() || !has_lists {
            return None;
        }
        let opens = |o: &Opening<'_>, field: FieldIx| o.columns.is_empty() || o.columns.contains(&field);
        let roles: Vec<Vec<&Opening<'_>>> = self
            .roles(command)
            .iter()
            .map(|role| {
                let acts_as = acts_as(self.model, role);
                openings.iter().filter(|o| binds(self.model, o.rule, &acts_as)).collect()
            })
            .collect();
        let columns = (0..self.entity.fields.len()).filter(|field| !self.is_computed(*field)).filter_map(|field| {
            let differ = roles.iter().any(|mine| {
                let mut mine = mine.iter().map(|o| opens(o, field));
                mine.next().is_some_and(|first| mine.any(|other| other != first))
            });
            let opening = openings.iter().filter(|o| opens(o, field)).map(|o| o.rule);
            let opened_by = differ.then(|| opening.collect());
            let granted = accesses.iter().filter(|access| access.command == command);
            let granted = granted.filter(|access| access.columns.as_ref().is_none_or(|c| c.contains(&field)));
            let granted: Vec<&SmolStr> = granted.map(|access| &access.role).collect();
            // What a rule forbids on every row is not granted to the roles that it names; a right that they have by
            // another role is taken from them row by row.
            let closes = |rule: &&Rule| {
                let conditional =
                    rule.forbid && !rule.exact && takes(rule, command).is_some_and(|c| c.contains(&field));
                let reached = |role: &SmolStr| acts_as(self.model, role).iter().any(|other| granted.contains(&other));
                conditional && (rule.when.is_some() || grantees(self.model, rule).iter().any(reached))
            };
            let closed_by: Vec<_> = self.rules.iter().filter(closes).collect();
            let needed = !granted.is_empty() && (opened_by.is_some() || !closed_by.is_empty());
            needed.then_some(GuardedColumn { field, opened_by, closed_by })
        });
        let columns: Vec<_> = columns.collect();
        (!columns.is_empty()).then_some(Guard { command, columns })
    }
}
