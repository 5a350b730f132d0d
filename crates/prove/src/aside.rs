//! Ways to rows past the rules.

use crate::access::{Right, Role, may_use};
use crate::verdict::name;
use smol_str::SmolStr;
use specc_diag::Span;
use specc_model::effective::{PUBLIC, acts_as};
use specc_model::{
    Deeds, Entity, EntityId, FieldIx, Function, Model, Object, Relation, Returns, Rls, RuleAction, SqlBlock, Trigger,
    TriggerAction,
};
use specc_syntax::ast::{RefActionKind, TriggerTiming};
use std::collections::BTreeSet;

/// A way to rows past the rules.
#[derive(Clone, Debug)]
pub struct Aside {
    /// What it is, and whom it is open to.
    pub text: String,
    /// The roles that it is open to; none where that is not known.
    pub roles: Vec<SmolStr>,
    /// Whether properties are about it all the same.
    pub asked: bool,
    /// Where it is declared.
    pub span: Span,
}

/// Everything by which a role of the rules gets at rows past them, in the order of the spec.
pub fn asides(model: &Model) -> Vec<Aside> {
    let roles: Vec<_> = crate::roles(model).into_iter().map(|role| role.name).collect();
    let open = |to: &[SmolStr]| -> Vec<SmolStr> {
        let all = |role: &&SmolStr| {
            let all = acts_as(model, role);
            to.iter().any(|grantee| grantee == PUBLIC || all.contains(grantee))
        };
        roles.iter().filter(all).cloned().collect()
    };
    let listed = |roles: &[SmolStr]| roles.iter().map(|role| format!("`{role}`")).collect::<Vec<_>>().join(", ");
    let mut found = Vec::new();
    let mut push = |text: String, roles: Vec<SmolStr>, asked: bool, span: Span| {
        found.push(Aside { text, roles, asked, span });
    };
    for entity in model.entities.iter().filter(|entity| entity.rls == Rls::Off && !entity.external) {
        let granted = model.grants.iter().filter(|g| g.object == Object::Entity(entity.id) && !g.revoke);
        let to = open(&granted.flat_map(|grant| grant.roles.iter().cloned()).collect::<Vec<_>>());
        if !to.is_empty() {
            let table = name(model, entity.id);
            let text = format!("entity `{table}` has no row level security, and is granted to {}", listed(&to));
            push(text, to, false, entity.meta.span);
        }
    }
    for function in model.functions.iter().filter(|function| function.security_definer) {
        let to = open(&function.roles);
        if !to.is_empty() {
            let asked = crate::properties::is_looked_into(function);
            let body = if asked { "" } else { ", whose body is no query," };
            let name = &function.name.name;
            let text =
                format!("function `{name}`{body} runs with its owner's rights, and is called by {}", listed(&to));
            push(text, to, asked, function.meta.span);
        }
    }
    for fired in fired(model).filter(Fired::writes_past_rules) {
        let to = roles.iter().filter(|role| fired.is_set_off_by(&Role::new(model, role))).cloned().collect::<Vec<_>>();
        if !to.is_empty() {
            push(fired.words(), to, false, fired.function.meta.span);
        }
    }
    for block in &model.sql_blocks {
        let (opens, called) = (&block.opens, &block.name);
        let tables: Vec<String> = opens.entities.iter().map(|id| format!("`{}`", name(model, *id))).collect();
        let text = match (opens.any, tables.is_empty(), opens.ways) {
            (true, ..) => format!("sql block `{called}` opens or closes what its statements put together"),
            (false, false, _) => {
                format!("sql block `{called}` changes by itself who may do what to {}", tables.join(", "))
            }
            (false, true, true) => format!("sql block `{called}` makes something that runs with its owner's rights"),
            (false, true, false) => continue,
        };
        push(text, Vec::new(), false, block.meta.span);
    }
    for view in model.views.iter().filter(|view| view.security_definer || view.materialized) {
        let to = open(&view.roles);
        if !to.is_empty() {
            let text =
                format!("view `{}` reads with its owner's rights, and is read by {}", view.name.name, listed(&to));
            push(text, to, true, view.meta.span);
        }
    }
    for table in model.realtime.iter().filter(|table| crate::is_guarded(model.entity(table.entity))) {
        let name = name(model, table.entity);
        let text =
            format!("realtime tells the keys of deleted rows of `{name}` to whoever listens, whatever the rules say");
        push(text, Vec::new(), false, table.span);
    }
    found
}

/// A block of SQL that changes who may do what to rows of an entity: what the rules say is not all.
pub(crate) fn opened_by_block(model: &Model, entity: EntityId) -> Option<&SqlBlock> {
    let opens = |block: &&SqlBlock| block.opens.any || block.opens.entities.contains(&entity);
    model.sql_blocks.iter().find(opens)
}

/// A function with its owner's rights that a trigger of an entity calls.
pub(crate) struct Fired<'m> {
    model: &'m Model,
    pub entity: &'m Entity,
    pub trigger: &'m Trigger,
    pub function: &'m Function,
    /// What it does to rows, by functions that it calls too.
    pub deeds: Deeds,
}

/// All of them that the spec itself declares.
pub(crate) fn fired(model: &Model) -> impl Iterator<Item = Fired<'_>> {
    let triggers =
        model.entities.iter().flat_map(|entity| entity.triggers.iter().map(move |trigger| (entity, trigger)));
    let enabled = triggers.filter(|(_, trigger)| trigger.enabled.as_deref() != Some("disabled"));
    enabled.filter_map(|(entity, trigger)| {
        let TriggerAction::Execute { function, .. } = &trigger.action else { return None };
        let is_trigger = |f: &Function| matches!(&f.returns, Some(Returns::Pseudo(word)) if word == "trigger");
        let function = model.functions.iter().find(|f| f.name == *function && is_trigger(f))?;
        let own = function.security_definer && !["std", "platform"].contains(&function.meta.area.as_str());
        own.then(|| Fired { model, entity, trigger, function, deeds: deeds(model, function) })
    })
}

/// What a function does to rows, and what those do that it calls.
fn deeds(model: &Model, function: &Function) -> Deeds {
    let (mut all, mut open, mut known) = (Deeds::default(), vec![function], BTreeSet::new());
    while let Some(next) = open.pop() {
        all.rows.extend(&next.deeds.rows);
        all.stored.extend(next.deeds.stored.iter().cloned());
        all.unread |= next.deeds.unread;
        open.extend(next.calls.iter().filter(|at| known.insert(**at)).filter_map(|at| model.functions.get(*at)));
    }
    all.rows.sort();
    all.rows.dedup();
    all
}

impl Fired<'_> {
    /// Whether it may do something to rows that rules guard.
    fn writes_past_rules(&self) -> bool {
        self.deeds.unread || self.guarded().next().is_some()
    }

    fn guarded(&self) -> impl Iterator<Item = EntityId> {
        let guarded = self.deeds.rows.iter().map(|(entity, _)| *entity);
        guarded.filter(|entity| crate::is_guarded(self.model.entity(*entity)))
    }

    /// Whether a role does what the trigger waits for, or the platform or a reference does that.
    pub fn is_set_off_by(&self, role: &Role) -> bool {
        let entity = self.entity;
        let does = |command| Right::of(self.model, entity.id, role, command).is_some();
        !crate::is_guarded(entity)
            || self.trigger.events.iter().any(|(event, _)| match event.as_str() {
                "insert" => does(RuleAction::Insert),
                "update" => does(RuleAction::Update) || self.follows(),
                "delete" => does(RuleAction::Delete) || self.follows(),
                _ => false,
            })
    }

    /// Whether rows change or go with those that they refer to.
    fn follows(&self) -> bool {
        let acts = |kind: RefActionKind| {
            matches!(kind, RefActionKind::Cascade | RefActionKind::SetNull | RefActionKind::SetDefault)
        };
        let follows = |relation: &Relation| {
            let of = [&relation.options.on_delete, &relation.options.on_update];
            of.into_iter().flatten().any(|action| acts(action.kind))
        };
        self.entity.outgoing.iter().any(|id| follows(self.model.relation(*id)))
    }

    fn words(&self) -> String {
        let when = if self.trigger.timing == TriggerTiming::Before { "before" } else { "after" };
        let events: Vec<&str> = self.trigger.events.iter().map(|(event, _)| event.as_str()).collect();
        let mut tables: Vec<String> = self.guarded().map(|id| format!("`{}`", name(self.model, id))).collect();
        tables.dedup();
        let what = match (tables.is_empty(), self.deeds.unread) {
            (true, _) => "and its body is not read whole".to_owned(),
            (false, unread) => {
                let more = if unread { " and perhaps of others" } else { "" };
                format!("and changes rows of {}{more}", tables.join(", "))
            }
        };
        format!(
            "function `{}` runs with its owner's rights {when} each {} of `{}`, {what}",
            self.function.name.name,
            events.join(" or "),
            name(self.model, self.entity.id)
        )
    }
}

/// A function with its owner's rights that does such a thing to rows of an entity when a role calls it or sets it off.
pub(crate) fn done_past_rules(
    model: &Model,
    role: &Role,
    entity: EntityId,
    command: RuleAction,
    columns: &[FieldIx],
) -> Option<Span> {
    let does = |deeds: &Deeds| {
        let named = |((of, field), _): &((EntityId, FieldIx), Vec<_>)| *of == entity && columns.contains(field);
        deeds.rows.contains(&(entity, command)) && (columns.is_empty() || deeds.stored.iter().any(named))
    };
    let called = model.functions.iter().enumerate().filter(|(at, function)| {
        function.security_definer && may_use(model, role, &function.roles, &Object::Function(*at), "execute")
    });
    let mut called = called.filter(|(_, function)| does(&deeds(model, function)));
    // What the platform does to its own tables is asked of no role.
    let mut fired = fired(model).filter(|fired| !fired.entity.external && does(&fired.deeds));
    let called = called.next().map(|(_, function)| function.meta.span);
    called.or_else(|| fired.find(|fired| fired.is_set_off_by(role)).map(|fired| fired.function.meta.span))
}
