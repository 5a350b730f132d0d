//! The shape of a `jsonb` value: what its keys have, and the check that holds it.

use super::entity::Pass;
use crate::types::*;
use crate::typing::{Expect, Place};
use serde_json::Value;
use specc_diag::{Diagnostic, codes};
use specc_facts::Family;
use specc_sql::{Json, JsonKey};
use specc_syntax::ast::{self, ShapeKey, ShapeValue};

impl Pass<'_> {
    /// The shape that a field is given, with its check; none where it has none, or a wrong one.
    pub(super) fn shape(&mut self, field: &ast::FieldDecl, ty: &Type) -> Option<Json> {
        let shape = field.shape.as_ref()?;
        let is_json = ty.dims == 0 && matches!(&ty.base, Base::Builtin(name) if &**name == "jsonb");
        if !is_json {
            if ty.base != Base::Unknown {
                let message = format!("`{}` is no `jsonb`, so it has no shape", field.name.text);
                let found = Diagnostic::new(codes::NOT_ALLOWED_HERE, shape.at.0, message);
                self.out.push(found.help("give the column the type `jsonb`, or leave out `shape`"));
            }
            return None;
        }
        let json = self.shape_keys(&shape.keys)?;
        self.shape_default(field, &json);
        let raw = ast::RawExpr { text: specc_sql::shape_check(&field.name.text, &json).into(), at: shape.at };
        let expr = self.exprs.get(&raw, &self.scope, Expect::condition(Place::Check), &mut self.out)?;
        let name = self.names.choose(&self.entity.name.name, Some(&field.name.text), "check");
        let check = Check { name, doc: None, expr, no_inherit: false, not_valid: false, span: shape.at.0 };
        self.parts.checks.push(check);
        Some(json)
    }

    /// A default that the check would refuse.
    fn shape_default(&mut self, field: &ast::FieldDecl, json: &Json) {
        let Some(ast::FieldValue::Default(raw)) = &field.value else { return };
        let text = raw.text.trim_end_matches("::jsonb").strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        let value = text.and_then(|text| serde_json::from_str(&text.replace("''", "'")).ok());
        let Some(wrong) = value.and_then(|value: Value| misfit(json, &value)) else { return };
        let message = format!("the default of `{}` has not the shape that its values have: {wrong}", field.name.text);
        let found = Diagnostic::new(codes::DEFAULT_MISMATCH, raw.at.0, message);
        self.out.push(
            found.help(format!("write a value such as `'{}'`, or make the key optional with `?`", json.example())),
        );
    }

    fn shape_keys(&mut self, keys: &[ShapeKey]) -> Option<Json> {
        let mut found: Vec<JsonKey> = Vec::with_capacity(keys.len());
        let before = self.out.len();
        for key in keys {
            if found.iter().any(|other| other.name == key.name.text) {
                let message = format!("the shape has two keys `{}`", key.name.text);
                let repeat = Diagnostic::new(codes::DUPLICATE_NAME, key.name.at.0, message);
                self.out.push(repeat.help("remove one of the two"));
                continue;
            }
            let (json, optional) = match &key.value {
                ShapeValue::Object { keys, dims, nullable } => {
                    (self.shape_keys(keys).map(|of| lists(of, *dims)), *nullable)
                }
                ShapeValue::Type(ty) => (self.shape_type(ty), ty.nullable),
            };
            found.extend(json.map(|json| JsonKey { name: key.name.text.clone(), optional, json }));
        }
        (self.out.len() == before).then_some(Json::Object(found))
    }

    fn shape_type(&mut self, written: &ast::TypeRef) -> Option<Json> {
        let ty = self.project.resolve_type(written, &mut self.out);
        let json = match &ty.base {
            Base::Unknown => return None,
            Base::Enum(id) => {
                let labels = &self.model.enums[id.0 as usize].labels;
                Some(Json::OneOf(labels.iter().map(|label| label.name.clone()).collect()))
            }
            Base::Builtin(name) if ty.args.is_empty() => match (&**name, specc_facts::family(name)) {
                ("text", _) => Some(Json::Text),
                (_, Family::Integer) => Some(Json::Whole),
                (_, Family::Decimal | Family::Float) => Some(Json::Number),
                (_, Family::Boolean) => Some(Json::Bool),
                ("jsonb", _) => Some(Json::Any),
                _ => None,
            },
            _ => None,
        };
        match json {
            Some(json) => Some(lists(json, ty.dims)),
            None => {
                let message = format!("no value of JSON is of the type `{}`", written.name.name.text);
                let found = Diagnostic::new(codes::NOT_ALLOWED_HERE, written.at.0, message);
                self.out.push(found.help("a shape is made of `text`, `int`, `numeric`, `boolean`, `jsonb` for any value, enums, lists of them, and objects"));
                None
            }
        }
    }
}

/// What of a value is not as a shape says.
fn misfit(json: &Json, value: &Value) -> Option<String> {
    let is_whole = |n: &serde_json::Number| n.as_f64().is_some_and(|n| n.fract() == 0.0);
    let fits = match (json, value) {
        (Json::Object(keys), Value::Object(map)) => {
            return keys.iter().find_map(|key| match map.get(key.name.as_str()) {
                None if key.optional => None,
                None => Some(format!("it has no `{}`", key.name)),
                Some(Value::Null) if key.optional => None,
                Some(inner) => misfit(&key.json, inner).map(|_| format!("`{}` is no `{}`", key.name, key.json)),
            });
        }
        (Json::List(of), Value::Array(all)) => return all.iter().find_map(|one| misfit(of, one)),
        (Json::OneOf(labels), Value::String(text)) => labels.iter().any(|label| label == text),
        (Json::Whole, Value::Number(n)) => is_whole(n),
        (Json::Any, _)
        | (Json::Text, Value::String(_))
        | (Json::Number, Value::Number(_))
        | (Json::Bool, Value::Bool(_)) => true,
        _ => false,
    };
    (!fits).then(|| format!("it is no `{json}`"))
}

fn lists(of: Json, dims: u8) -> Json {
    (0..dims).fold(of, |of, _| Json::List(Box::new(of)))
}
