//! Privileges by column: what the rules open is granted, and nothing else; and views, to those whom they are for.

use specc_diag::Span;
use specc_model::effective::{COMMANDS, PUBLIC, is_service};
use specc_model::{Entity, Model, Object, Rls, RuleAction};
use specc_prove::{Granted, Right, Role, name};

/// A privilege that a role has or has not.
#[derive(Clone, Debug)]
pub struct Privilege {
    /// The entity as messages name it.
    pub entity: String,
    /// Its table, quoted.
    pub table: String,
    /// The role.
    pub role: String,
    /// `select`, `insert`, `update`, or `delete` of the whole table.
    pub command: RuleAction,
    /// The column; none for the whole table.
    pub column: Option<String>,
    /// Whether the role should have it.
    pub expected: bool,
    /// The entity.
    pub span: Span,
}

/// The roles whose privileges the spec decides.
fn roles(model: &Model) -> Vec<Role> {
    let mut roles = specc_prove::roles(model);
    roles.retain(|role| !is_service(model, &role.name));
    roles
}

/// Who reads each view, where nothing but the view says so.
fn views(model: &Model, only: &dyn Fn(&Entity) -> bool) -> Vec<Privilege> {
    let mut all = Vec::new();
    for (at, view) in model.views.iter().enumerate() {
        let about = |object: &Object| matches!(object, Object::Entity(id) if only(model.entity(*id)));
        let granted = model.grants.iter().any(|grant| match grant.object {
            Object::View(other) => other == at,
            Object::Schema(_) => true,
            _ => false,
        });
        if granted || !view.depends.iter().any(about) {
            continue;
        }
        for role in roles(model) {
            all.push(Privilege {
                entity: view.name.name.to_string(),
                table: specc_sql::quote::qualified(&view.name.schema, &view.name.name),
                expected: view.roles.iter().any(|name| name == PUBLIC || role.acts_as.contains(name)),
                role: role.name.to_string(),
                command: RuleAction::Select,
                column: None,
                span: view.meta.span,
            });
        }
    }
    all
}

/// Every privilege of every role on every table that rules guard, and on views.
pub fn privileges(model: &Model, only: &dyn Fn(&Entity) -> bool) -> Vec<Privilege> {
    let mut all = views(model, only);
    let roles = roles(model);
    let guarded = model.entities.iter().filter(|entity| !entity.external && entity.rls != Rls::Off && only(entity));
    for entity in guarded {
        for role in &roles {
            for command in COMMANDS {
                let right = Right::of(model, entity.id, role, command);
                let granted = Granted::of(model, entity.id, role, command);
                if granted.revoked {
                    continue;
                }
                let mut add = |column: Option<String>, expected: bool| {
                    all.push(Privilege {
                        entity: name(model, entity.id),
                        table: specc_prove::table(model, entity.id),
                        role: role.name.to_string(),
                        command,
                        column,
                        expected,
                        span: entity.meta.span,
                    });
                };
                if command == RuleAction::Delete {
                    add(None, right.is_some() || granted.covers(None));
                    continue;
                }
                for (at, field) in entity.fields.iter().enumerate() {
                    let ruled = right.as_ref().is_some_and(|right| right.names(at));
                    add(Some(field.name.to_string()), ruled || granted.covers(Some(&field.name)));
                }
            }
        }
    }
    all
}
