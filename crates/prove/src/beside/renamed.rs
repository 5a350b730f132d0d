//! Conditions of one spec as conditions of another one: everything that they name by the ids that it has there.

use crate::sorts::Scope;
use smol_str::SmolStr;
use specc_facts::Family;
use specc_model::formula::{AsIs, Exists, Formula, Node, Piece, Read, Row, Value};
use specc_model::scope::PathStep;
use specc_model::{
    Base, CompositeId, DomainId, EntityId, EnumId, Expr, ExprRef, FieldIx, Model, Object, ParamKind, PredicateId,
    PredicateParam, Qualified, RelationId, Type,
};
use specc_split::{Lexer, TokenKind};
use specc_sql::quote;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The new ids, by the old ones.
#[derive(Default)]
pub struct Ids {
    pub entities: Vec<EntityId>,
    pub fields: Vec<Vec<FieldIx>>,
    pub relations: Vec<RelationId>,
    pub predicates: Vec<PredicateId>,
    pub functions: Vec<usize>,
    /// Labels of enums that have another name.
    pub labels: BTreeMap<(u32, SmolStr), SmolStr>,
}

impl Ids {
    /// An entity.
    pub fn entity(&self, id: EntityId) -> EntityId {
        self.entities[id.0 as usize]
    }

    /// A column of an entity of the old model.
    pub fn field(&self, of: EntityId, field: FieldIx) -> FieldIx {
        self.fields[of.0 as usize].get(field).copied().unwrap_or(field)
    }

    /// A type, by its name.
    pub fn ty(&self, old: &Model, new: &Model, ty: &Type) -> Type {
        let base = match &ty.base {
            Base::Row(id) => Base::Row(self.entity(*id)),
            Base::Builtin(_) | Base::Named(_) | Base::Unknown => ty.base.clone(),
            base => ty.declared(old).and_then(|name| of_name(new, base, name)).unwrap_or(Base::Unknown),
        };
        Type { base, ..ty.clone() }
    }
}

fn of_name(new: &Model, like: &Base, name: &Qualified) -> Option<Base> {
    let place = |names: Vec<&Qualified>| names.iter().position(|other| *other == name).map(|at| at as u32);
    Some(match like {
        Base::Enum(_) => Base::Enum(EnumId(place(new.enums.iter().map(|e| &e.name).collect())?)),
        Base::Domain(_) => Base::Domain(DomainId(place(new.domains.iter().map(|d| &d.name).collect())?)),
        Base::Composite(_) => Base::Composite(CompositeId(place(new.composites.iter().map(|c| &c.name).collect())?)),
        _ => return None,
    })
}

/// The enum that a type is.
fn label_of(ty: &Type) -> Option<u32> {
    match ty.base {
        Base::Enum(id) => Some(id.0),
        _ => None,
    }
}

/// From one model to the other.
pub struct Renamed<'a> {
    pub old: &'a Model,
    pub new: &'a Model,
    pub ids: &'a Ids,
}

impl Renamed<'_> {
    /// A condition over a row of an entity of the old model.
    pub fn of(&self, entity: EntityId, expr: &ExprRef) -> ExprRef {
        self.expr(expr, &Scope::row(entity))
    }

    /// The body of a predicate, by its place.
    pub fn in_predicate(&self, at: usize, expr: &ExprRef) -> ExprRef {
        self.expr(expr, &Scope::of(self.old, PredicateId(at as u32)))
    }

    /// What a function asks.
    pub fn in_function(&self, expr: &ExprRef) -> ExprRef {
        self.expr(expr, &Scope::default())
    }

    fn expr(&self, expr: &ExprRef, scope: &Scope) -> ExprRef {
        Arc::new(Expr { formula: self.formula(&expr.formula, scope), text: expr.text.clone(), span: expr.span })
    }

    fn field(&self, entity: Option<EntityId>, field: FieldIx) -> FieldIx {
        entity.map_or(field, |entity| self.ids.field(entity, field))
    }

    fn row(&self, row: &Row) -> Row {
        match row {
            Row::Query(name, entity) => Row::Query(name.clone(), self.ids.entity(*entity)),
            Row::Scope(_) | Row::Bound(_) | Row::View(..) => row.clone(),
        }
    }

    fn steps(&self, steps: &[PathStep]) -> Box<[PathStep]> {
        let step = |step: &PathStep| PathStep { relation: self.ids.relations[step.relation.0 as usize], ..*step };
        steps.iter().map(step).collect()
    }

    fn formula(&self, formula: &Formula, scope: &Scope) -> Formula {
        let ty = self.ids.ty(self.old, self.new, &formula.ty);
        let node = match &formula.node {
            Node::Column(row, field) => Node::Column(self.row(row), self.field(scope.entity(row), *field)),
            Node::Path(row, steps, field) => {
                let end = steps.last().map(|step| self.old.step_target(*step));
                Node::Path(self.row(row), self.steps(steps), self.field(end, *field))
            }
            Node::Whole(row, steps) => Node::Whole(self.row(row), self.steps(steps)),
            Node::ViewerField(field) => Node::ViewerField(self.field(self.old.viewer, *field)),
            Node::Exists(exists) => Node::Exists(Box::new(Exists {
                row: self.row(&exists.row),
                steps: self.steps(&exists.steps),
                target: self.ids.entity(exists.target),
                including_deleted: exists.including_deleted,
                condition: self.formula(&exists.condition, &scope.looking_at(exists.target)),
            })),
            _ => self.parts(formula, scope),
        };
        Formula { node, ty, ..formula.clone() }
    }

    /// The label of an enum that a text is where it stands beside values of the enum, by the name that it has now.
    fn label(&self, part: &Formula, of: Option<u32>) -> Option<Formula> {
        let Node::Literal(value) = &part.node else { return None };
        let now = self.ids.labels.get(&(of?, value.text()?.into()))?;
        Some(Formula { node: Node::Literal(Value::Text(now.clone())), ..part.clone() })
    }

    /// SQL that stays as it is, in the words of now: what it reads may have another name, and a label of what it reads too.
    fn as_is(&self, sql: &AsIs) -> AsIs {
        let field = |(entity, field): &(EntityId, FieldIx)| (self.ids.entity(*entity), self.ids.field(*entity, *field));
        let mut columns: Vec<_> = sql.columns.iter().map(field).collect();
        columns.sort_unstable();
        let object = |object: &Object| match object {
            Object::Entity(id) => Object::Entity(self.ids.entity(*id)),
            Object::Function(at) => Object::Function(self.ids.functions[*at]),
            other => other.clone(),
        };
        let mut objects: Vec<_> = sql.objects.iter().map(object).collect();
        objects.sort_unstable();
        let read = |(entity, field): &(EntityId, FieldIx)| &self.old.entity(*entity).fields[*field];
        let named = |name: &str| {
            let mut all = sql.columns.iter().filter(|column| read(column).name == name).map(|column| {
                let (entity, field) = field(column);
                &self.new.entity(entity).fields[field].name
            });
            all.next().filter(|now| all.all(|other| other == *now) && now.as_str() != name)
        };
        // A text beside columns of a text's type may be one of theirs.
        let enums: Vec<u32> = sql.columns.iter().filter_map(|column| label_of(&read(column).ty)).collect();
        let label = |text: &str| {
            let mut all = enums.iter().filter_map(|of| self.ids.labels.get(&(*of, text.into())));
            let has_text = sql.columns.iter().any(|column| {
                let family = |name: &str| specc_facts::family(name) == Family::Text;
                matches!(&self.old.under(&read(column).ty).base, Base::Builtin(name) if family(name))
            });
            all.next().filter(|_| !has_text)
        };
        let mut text = String::with_capacity(sql.text.len());
        let mut last = 0;
        for token in Lexer::new(&sql.text).map_while(Result::ok) {
            let written = &sql.text[token.start..token.end];
            let now = match token.kind {
                TokenKind::Text => {
                    let inner = written.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
                    inner.and_then(|inner| label(&inner.replace("''", "'"))).map(|now| quote::text(now))
                }
                _ => token.name(&sql.text).and_then(|name| named(&name)).map(|now| quote::ident(now).into_owned()),
            };
            text.push_str(&sql.text[last..token.start]);
            text.push_str(now.as_deref().unwrap_or(written));
            last = token.end;
        }
        text.push_str(&sql.text[last..]);
        AsIs { text: text.into(), columns, objects }
    }

    /// What names nothing by itself but what calls and queries name.
    fn parts(&self, of: &Formula, scope: &Scope) -> Node {
        let (node, ty) = (&of.node, &of.ty);
        let beside = node.parts().into_iter().find_map(|part| label_of(&part.ty)).or_else(|| label_of(ty));
        let params: &[PredicateParam] = match node {
            Node::Predicate(id, _) => &self.old.predicates[id.0 as usize].params,
            _ => &[],
        };
        let asked = |at: usize| match params.get(at).map(|param| &param.kind) {
            Some(ParamKind::Value(ty)) => label_of(ty),
            _ => beside,
        };
        let mut node = node.clone();
        match &mut node {
            Node::Predicate(id, _) => *id = self.ids.predicates[id.0 as usize],
            Node::Call(call) => call.declared = call.declared.map(|at| self.ids.functions[at]),
            Node::AsIs(sql) => **sql = self.as_is(sql),
            Node::Sql(sql) => {
                for piece in &mut sql.pieces {
                    match piece {
                        Piece::Table(entity, _) => *entity = self.ids.entity(*entity),
                        Piece::Function { declared, .. } => *declared = declared.map(|at| self.ids.functions[at]),
                        _ => {}
                    }
                }
                sql.negated.iter_mut().for_each(|entity| *entity = self.ids.entity(*entity));
                for from in sql.selects.iter_mut().flat_map(|select| &mut select.tables) {
                    match &mut from.of {
                        Read::Entity(entity) => *entity = self.ids.entity(*entity),
                        // What a view asked then is not known beside what one of its name asks now.
                        // Nor is a query of its own looked into.
                        Read::View(_) | Read::Query(_) => from.of = Read::Other(of.span),
                        Read::Call(..) | Read::Other(_) => {}
                    }
                }
            }
            _ => {}
        }
        for (at, part) in node.parts_mut().into_iter().enumerate() {
            *part = self.label(part, asked(at)).unwrap_or_else(|| self.formula(part, scope));
        }
        node
    }
}
